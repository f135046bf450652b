/* SPDX-License-Identifier: MIT */
#include "base/range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void range_set_init(struct range_set *set)
{
	*set = RANGE_SET_INIT;
}

void range_set_release(struct range_set *set)
{
	free(set->items);
	*set = RANGE_SET_INIT;
}

void range_set_clear(struct range_set *set)
{
	set->count = 0;
}

static void reserve(struct range_set *set, size_t count)
{
	size_t capacity = set->capacity > 0 ? set->capacity : 8;

	if (count <= set->capacity)
		return;
	while (capacity < count)
		capacity *= 2;
	set->items = xreallocarray(set->items, capacity, sizeof(*set->items));
	set->capacity = capacity;
}

void range_set_copy(struct range_set *to, const struct range_set *from)
{
	if (to == from)
		return;
	reserve(to, from->count);
	if (from->count > 0)
		memcpy(to->items, from->items, from->count * sizeof(*from->items));
	to->count = from->count;
}

/* The index of the first range that ends at `block` or later. */
static size_t find(const struct range_set *set, uint32_t block)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->items[middle].last < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Replace items[from..to-1] by `count` ranges (0 to 2). */
static void splice(struct range_set *set, size_t from, size_t to, const struct range *ranges,
		   size_t count)
{
	size_t behind = set->count - to;

	reserve(set, from + count + behind);
	if (behind > 0)
		memmove(set->items + from + count, set->items + to, behind * sizeof(*ranges));
	if (count > 0)
		memcpy(set->items + from, ranges, count * sizeof(*ranges));
	set->count = from + count + behind;
}

void range_add(struct range_set *set, uint32_t first, uint32_t last)
{
	struct range merged = {first, last};
	size_t from;
	size_t to;

	if (first > last)
		return;
	/* Ranges that only touch are merged too, so look one block further on both sides. */
	from = find(set, first > 0 ? first - 1 : 0);
	to = from;
	while (to < set->count && (last == UINT32_MAX || set->items[to].first <= last + 1))
		to++;
	if (to > from) {
		if (set->items[from].first < merged.first)
			merged.first = set->items[from].first;
		if (set->items[to - 1].last > merged.last)
			merged.last = set->items[to - 1].last;
	}
	splice(set, from, to, &merged, 1);
}

void range_remove(struct range_set *set, uint32_t first, uint32_t last)
{
	struct range left[2];
	size_t left_count = 0;
	size_t from;
	size_t to;

	if (first > last)
		return;
	from = find(set, first);
	to = from;
	while (to < set->count && set->items[to].first <= last)
		to++;
	if (to == from)
		return;
	if (set->items[from].first < first)
		left[left_count++] = (struct range){set->items[from].first, first - 1};
	if (set->items[to - 1].last > last)
		left[left_count++] = (struct range){last + 1, set->items[to - 1].last};
	splice(set, from, to, left, left_count);
}

void range_add_set(struct range_set *set, const struct range_set *other)
{
	if (set == other)
		return;
	for (size_t i = 0; i < other->count; i++)
		range_add(set, other->items[i].first, other->items[i].last);
}

void range_remove_set(struct range_set *set, const struct range_set *other)
{
	if (set == other) {
		range_set_clear(set);
		return;
	}
	for (size_t i = 0; i < other->count; i++)
		range_remove(set, other->items[i].first, other->items[i].last);
}

void range_keep_set(struct range_set *set, const struct range_set *other)
{
	uint32_t next = 0; /* the block after the last range of `other` */

	if (set == other)
		return;
	for (size_t i = 0; i < other->count; i++) {
		if (other->items[i].first > next)
			range_remove(set, next, other->items[i].first - 1);
		if (other->items[i].last == UINT32_MAX)
			return;
		next = other->items[i].last + 1;
	}
	range_remove(set, next, UINT32_MAX);
}

void range_clip(struct range_set *set, uint32_t first, uint32_t last)
{
	if (first > last) {
		range_set_clear(set);
		return;
	}
	if (first > 0)
		range_remove(set, 0, first - 1);
	if (last < UINT32_MAX)
		range_remove(set, last + 1, UINT32_MAX);
}

bool range_contains(const struct range_set *set, uint32_t block)
{
	size_t i = find(set, block);

	return i < set->count && set->items[i].first <= block;
}

uint32_t range_first(const struct range_set *set)
{
	return set->count > 0 ? set->items[0].first : 0;
}

uint32_t range_last(const struct range_set *set)
{
	return set->count > 0 ? set->items[set->count - 1].last : 0;
}

uint64_t range_count_blocks(const struct range_set *set)
{
	uint64_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += (uint64_t)set->items[i].last - set->items[i].first + 1;
	return count;
}

/*
 * Parse a number from 1 to UINT32_MAX, with single underscores between digits; moves *at behind
 * it.
 */
static int parse_number(const char **at, uint32_t *ret_number, const char *part, struct error *err)
{
	const char *text = *at;
	uint64_t number = 0;

	if (*text < '0' || *text > '9')
		return error_set(
			err, ERROR_CONFIG,
			"range '%s': a number is missing; write FIRST-LAST, FIRST+COUNT or "
			"one block number, several with commas",
			part);
	for (; (*text >= '0' && *text <= '9') || (*text == '_' && text[1] >= '0' && text[1] <= '9');
	     text++) {
		if (*text == '_')
			continue;
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > UINT32_MAX)
			return error_set(err, ERROR_CONFIG,
					 "range '%s': the number is too large; block numbers are "
					 "1 to %u",
					 part, UINT32_MAX);
	}
	if (number == 0)
		return error_set(
			err, ERROR_CONFIG,
			"range '%s': 0 is not allowed; block numbers and counts begin at 1", part);
	*at = text;
	*ret_number = (uint32_t)number;
	return 0;
}

/* Parse one of "A-B", "A+N", "A", which must be all of `part`. */
static int parse_part(const char *part, struct range *ret_range, struct error *err)
{
	const char *at = part;
	uint32_t count;

	if (parse_number(&at, &ret_range->first, part, err) != 0)
		return -1;
	ret_range->last = ret_range->first;
	if (*at == '-') {
		at++;
		if (parse_number(&at, &ret_range->last, part, err) != 0)
			return -1;
		if (ret_range->last < ret_range->first)
			return error_set(err, ERROR_CONFIG,
					 "range '%s': the last block is below the first; write "
					 "%u-%u if that is meant",
					 part, ret_range->last, ret_range->first);
	} else if (*at == '+') {
		at++;
		if (parse_number(&at, &count, part, err) != 0)
			return -1;
		if (count - 1 > UINT32_MAX - ret_range->first)
			return error_set(err, ERROR_CONFIG,
					 "range '%s': it ends beyond the highest block number, %u",
					 part, UINT32_MAX);
		ret_range->last = ret_range->first + (count - 1);
	}
	if (*at != '\0')
		return error_set(err, ERROR_CONFIG,
				 "range '%s': '%s' cannot be read; write FIRST-LAST, FIRST+COUNT "
				 "or one block number, several with commas",
				 part, at);
	return 0;
}

int range_parse(struct range_set *set, const char *text, struct error *err)
{
	CLEANUP(range_set_release) struct range_set parsed = RANGE_SET_INIT;
	CLEANUP(mem_free_pointer) char *copy = xstrdup(text);
	char *rest = copy;
	char *part;

	while ((part = strsep(&rest, ",")) != NULL) {
		struct range range;

		if (parse_part(part, &range, err) != 0)
			return -1;
		range_add(&parsed, range.first, range.last);
	}
	range_add_set(set, &parsed);
	return 0;
}

char *range_format(const struct range_set *set, char *text, size_t size)
{
	static const char cut[] = "...";
	size_t len = 0;

	if (size == 0)
		return text;
	text[0] = '\0';
	for (size_t i = 0; i < set->count; i++) {
		const struct range *range = &set->items[i];
		const char *comma = i > 0 ? "," : "";
		char item[32];
		int item_len;
		size_t needed;

		if (range->first == range->last)
			item_len = snprintf(item, sizeof(item), "%s%u", comma, range->first);
		else
			item_len = snprintf(item, sizeof(item), "%s%u-%u", comma, range->first,
					    range->last);
		/* Unless it is the last range, leave room for "...". */
		needed = len + (size_t)item_len + (i + 1 < set->count ? sizeof(cut) : 1);
		if (needed > size) {
			snprintf(text + len, size - len, "%s", cut);
			return text;
		}
		memcpy(text + len, item, (size_t)item_len + 1);
		len += (size_t)item_len;
	}
	return text;
}
