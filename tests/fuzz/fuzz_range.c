/* SPDX-License-Identifier: MIT */
/*
 * Ranges: what is typed behind --backfill, and sets of ranges against a plain table of bits.
 * Input: text when it begins with a digit, else orders of three bytes (what, first, length).
 */
#include <stdlib.h>
#include <string.h>

#include "base/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BITS 512

static void check_set(const struct range_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].first > set->items[i].last || set->items[i].first == 0 ||
		    (i > 0 && (uint64_t)set->items[i - 1].last + 1 >= set->items[i].first))
			abort();
}

static void parse(const uint8_t *data, size_t size)
{
	struct range_set set = RANGE_SET_INIT;
	struct range_set again = RANGE_SET_INIT;
	struct error err = ERROR_INIT;
	char text[256];
	char formatted[65536];

	if (size >= sizeof(text))
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (range_parse(&set, text, &err) == 0) {
		check_set(&set);
		if (range_count_blocks(&set) == 0 ||
		    range_parse(&again, range_format(&set, formatted, sizeof(formatted)), &err) <
			    0 ||
		    range_count_blocks(&again) != range_count_blocks(&set))
			abort();
	} else if (set.count > 0 || !err.text[0]) {
		abort();
	}
	range_set_release(&set);
	range_set_release(&again);
}

static void obey(const uint8_t *data, size_t size)
{
	struct range_set set = RANGE_SET_INIT;
	unsigned char bits[BITS + 1] = {0};
	uint64_t count = 0;

	for (; size >= 3; data += 3, size -= 3) {
		uint32_t first = 1 + data[1];
		uint32_t last = first + data[2];

		switch (data[0] % 3) {
		case 0:
			range_add(&set, first, last);
			memset(bits + first, 1, last - first + 1);
			break;
		case 1:
			range_remove(&set, first, last);
			memset(bits + first, 0, last - first + 1);
			break;
		default:
			range_clip(&set, first, last);
			memset(bits, 0, first);
			memset(bits + last + 1, 0, BITS - last);
			break;
		}
		check_set(&set);
	}
	for (uint32_t num = 1; num <= BITS; num++) {
		if (range_contains(&set, num) != (bits[num] != 0))
			abort();
		count += bits[num];
	}
	if (range_count_blocks(&set) != count)
		abort();
	range_set_release(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] >= '0' && data[0] <= '9')
		parse(data, size);
	else
		obey(data, size);
	return 0;
}
