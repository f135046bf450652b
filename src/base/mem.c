/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64 /* of a growing array */

static _Noreturn void out_of_memory(void)
{
	/* This does not use the log, which might need memory itself. */
	fputs("steem-reader: out of memory\n", stderr);
	abort();
}

void *xmalloc(size_t size)
{
	return xrealloc(NULL, size);
}

void *xcalloc(size_t count, size_t size)
{
	void *fresh = count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size);

	if (fresh == NULL)
		out_of_memory();
	return fresh;
}

void *xrealloc(void *old, size_t size)
{
	void *fresh = realloc(old, size > 0 ? size : 1);

	if (fresh == NULL)
		out_of_memory();
	return fresh;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	size_t product;

	if (__builtin_mul_overflow(count, size, &product))
		out_of_memory();
	return xrealloc(old, product);
}

void *xgrow(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity > 0 ? 2 * *capacity : FIRST_CAPACITY;
	return xreallocarray(items, *capacity, size);
}

char *xstrdup(const char *text)
{
	return xtextdup(text, strlen(text));
}

char *xtextdup(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		out_of_memory();
	va_end(args);
	return text;
}

void mem_free_pointer(void *pointer)
{
	void *thing;

	memcpy(&thing, pointer, sizeof(thing));
	free(thing);
}

/*
 * Chunks double up to the maximum, so that a small block takes little memory and a large one few
 * calls.
 */
#define FIRST_CHUNK_BYTES ((size_t)4096)
#define MOST_CHUNK_BYTES  ((size_t)256 * 1024)

struct chunk {
	struct chunk *older;
	size_t size; /* of data */
	size_t used;
	alignas(max_align_t) char data[];
};

struct arena {
	struct chunk *newest;
	size_t next_bytes; /* size of the next chunk */
	size_t total_bytes;
};

struct arena *arena_new(void)
{
	struct arena *arena = xcalloc(1, sizeof(*arena));

	arena->next_bytes = FIRST_CHUNK_BYTES;
	arena->total_bytes = sizeof(*arena);
	return arena;
}

static struct chunk *add_chunk(struct arena *arena, size_t size)
{
	size_t bytes = size > arena->next_bytes ? size : arena->next_bytes;
	struct chunk *chunk;

	if (bytes > SIZE_MAX - sizeof(*chunk))
		out_of_memory();
	chunk = xmalloc(sizeof(*chunk) + bytes);
	chunk->older = arena->newest;
	chunk->size = bytes;
	chunk->used = 0;
	arena->newest = chunk;
	arena->total_bytes += sizeof(*chunk) + bytes;
	if (arena->next_bytes < MOST_CHUNK_BYTES)
		arena->next_bytes *= 2;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t mask = alignof(max_align_t) - 1;
	struct chunk *chunk = arena->newest;
	size_t start = 0;

	if (chunk != NULL)
		start = (chunk->used + mask) & ~mask;
	if (chunk == NULL || start > chunk->size || size > chunk->size - start) {
		chunk = add_chunk(arena, size);
		start = 0;
	}
	chunk->used = start + size;
	return chunk->data + start;
}

char *arena_reserve(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->newest;

	if (chunk == NULL || size > chunk->size - chunk->used)
		chunk = add_chunk(arena, size);
	return chunk->data + chunk->used;
}

void arena_commit(struct arena *arena, size_t used)
{
	struct chunk *chunk = arena->newest;

	if (used == 0)
		return;
	if (chunk == NULL || used > chunk->size - chunk->used)
		abort(); /* more was written than reserved: memory is already damaged */
	chunk->used += used;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		out_of_memory();
	copy = arena_reserve(arena, len + 1);
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	arena_commit(arena, len + 1);
	return copy;
}

size_t arena_bytes(const struct arena *arena)
{
	return arena->total_bytes;
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	for (struct chunk *chunk = arena->newest; chunk != NULL;) {
		struct chunk *older = chunk->older;

		free(chunk);
		chunk = older;
	}
	free(arena);
}
