/* SPDX-License-Identifier: MIT */
/*
 * Memory: functions that allocate or abort, and arenas.
 *
 * "Out of memory" is not handled: the reader's memory is bounded, the database rolls back
 * uncommitted work, and an untested path is worse than a restart.  An arena holds many
 * small pieces that are freed together, such as a block with its operations.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/error.h"

/* Release a local variable when it goes out of scope: CLEANUP(buf_release) struct buf b = ...; */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* Like malloc(), calloc(), realloc() and strdup(), but they abort if there is no memory. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
/* Allocate `count` things of `size` bytes each; aborts if the product overflows. */
void *xreallocarray(void *old, size_t count, size_t size);
/*
 * Room for one more thing of `size` bytes in a growing array of `count` of them; returns the array.
 * *capacity, 0 at first, doubles when it is reached.
 */
void *xgrow(void *items, size_t count, size_t *capacity, size_t size);
char *xstrdup(const char *text);
/* Copy exactly len bytes, of any value, and add a NUL. */
char *xtextdup(const char *text, size_t len);
/* A new formatted text, which the caller frees. */
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* For CLEANUP of a char pointer and the like: frees *pointer. */
void mem_free_pointer(void *pointer);

struct arena;
/* An empty arena; arena_free() frees it with everything in it. */
struct arena *arena_new(void);
/* Aligned for any object; not cleared; owned by the arena. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy, followed by NUL; owned by the arena. */
char *arena_strndup(struct arena *arena, const char *text, size_t len);
/*
 * Reserve at least `size` unaligned bytes at the end of the arena. Write them before the next
 * call; arena_commit() keeps the first `used` of them.
 */
char *arena_reserve(struct arena *arena, size_t size);
void arena_commit(struct arena *arena, size_t used);
/* The memory that the arena takes from the system, in bytes. */
size_t arena_bytes(const struct arena *arena);
void arena_free(struct arena *arena);

#endif
