/* SPDX-License-Identifier: MIT */
/*
 * Memory: allocate or abort, and arenas.
 *
 * There is no path for "out of memory": what the reader holds is bounded, the
 * database rolls back what was not committed, and an untested path is worse than
 * a restart.  An arena is many small pieces that die together, such as a block
 * with its operations.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/error.h"

/* Release a local variable when it goes out of scope: CLEANUP(buf_release) struct buf b = ...; */
#define CLEANUP(function) __attribute__((cleanup(function)))

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
/* Room for count things of `size` bytes each; aborts when the product overflows. */
void *xreallocarray(void *old, size_t count, size_t size);
/*
 * Room for one more thing of `size` bytes in a growing array of `count` of them; returns the array.
 * *capacity, 0 at first, doubles when it is reached.
 */
void *xgrow(void *items, size_t count, size_t *capacity, size_t size);
char *xstrdup(const char *text);
/* Exactly len bytes, whatever they are, and a '\0' behind them. */
char *xtextdup(const char *text, size_t len);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* For CLEANUP on a char pointer and the like: frees *pointer. */
void mem_free_pointer(void *pointer);

struct arena;
struct arena *arena_new(void);
/* Aligned for any object, not cleared; belongs to the arena. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy with a NUL behind it. */
char *arena_strndup(struct arena *arena, const char *text, size_t len);
/*
 * Room of at least `size` unaligned bytes at the end of the arena, to be written
 * before the next call, of which arena_commit() keeps the first `used`.
 */
char *arena_reserve(struct arena *arena, size_t size);
void arena_commit(struct arena *arena, size_t used);
/* What the arena takes from the system, in bytes. */
size_t arena_bytes(const struct arena *arena);
void arena_free(struct arena *arena);

#endif
