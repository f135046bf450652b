/* SPDX-License-Identifier: MIT */
/* The smaller and the larger of two numbers, for each type in use, so that nothing is converted. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define NUMBER_PAIR(type, name)                                                                    \
	static inline type min_##name(type a, type b)                                              \
	{                                                                                          \
		return a < b ? a : b;                                                              \
	}                                                                                          \
	static inline type max_##name(type a, type b)                                              \
	{                                                                                          \
		return a > b ? a : b;                                                              \
	}

NUMBER_PAIR(int64_t, i64)
NUMBER_PAIR(uint32_t, u32)
NUMBER_PAIR(uint64_t, u64)
NUMBER_PAIR(size_t, size)

#undef NUMBER_PAIR

#endif
