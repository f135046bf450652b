/* SPDX-License-Identifier: MIT */
/*
 * Sets of block ranges.
 *
 * A range is closed, first..last, both ends included, and never empty.  A set
 * keeps its ranges sorted, disjoint and not touching, so its size does not
 * depend on how many blocks it holds.  Block numbers are 1 to UINT32_MAX.
 */
#ifndef BASE_RANGE_H
#define BASE_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct range {
	uint32_t first;
	uint32_t last;
};

struct range_set {
	struct range *items; /* sorted, disjoint, not touching */
	size_t count;
	size_t capacity;
};

#define RANGE_SET_INIT ((struct range_set){.count = 0})

void range_set_init(struct range_set *set);
void range_set_release(struct range_set *set);
void range_set_clear(struct range_set *set);
void range_set_copy(struct range_set *to, const struct range_set *from);

void range_add(struct range_set *set, uint32_t first, uint32_t last);
void range_remove(struct range_set *set, uint32_t first, uint32_t last);
void range_add_set(struct range_set *set, const struct range_set *other);
void range_remove_set(struct range_set *set, const struct range_set *other);
/* Keep only the blocks that are in `other` too. */
void range_keep_set(struct range_set *set, const struct range_set *other);
/* Keep only the blocks within first..last. */
void range_clip(struct range_set *set, uint32_t first, uint32_t last);
bool range_contains(const struct range_set *set, uint32_t block);
/* The lowest and the highest block of the set; 0: it is empty. */
uint32_t range_first(const struct range_set *set);
uint32_t range_last(const struct range_set *set);
/* The number of blocks in the set. */
uint64_t range_count_blocks(const struct range_set *set);

/*
 * Parse "A-B" (both ends included), "A+N" (N blocks from A), "A" (one block), or several of them
 * with commas, and add them to the set.  Underscores may separate groups of digits.  On failure
 * err (ERROR_CONFIG) says what is wrong and what is allowed, and the set is unchanged.
 */
int range_parse(struct range_set *set, const char *text, struct error *err) MUST_CHECK;
/* Write "1-5,7" into text, cut with "..." if it does not fit. Returns text. */
char *range_format(const struct range_set *set, char *text, size_t size);

#endif
