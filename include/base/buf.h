/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer with a hard limit.
 *
 * A buffer cannot be created without its limit, so an unbounded one cannot be written by
 * mistake.  If an addition would exceed the limit, nothing is added, -1 is returned and
 * `is_full` stays set: so a series of additions can be checked once, at its end.  A NUL
 * always follows the bytes.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct buf {
	char *data; /* NULL until the first addition */
	size_t len;
	size_t capacity;
	size_t limit_bytes;
	bool is_full; /* something did not fit */
};

#define BUF_INIT(limit) ((struct buf){.limit_bytes = (limit)})

void buf_init(struct buf *buf, size_t limit_bytes);
int buf_add(struct buf *buf, const void *bytes, size_t len);
int buf_add_text(struct buf *buf, const char *text);
int buf_add_char(struct buf *buf, char c);
int buf_addf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/*
 * Reserve `len` bytes, which the caller then writes. NULL: they do not fit. Valid until the next
 * addition.
 */
char *buf_extend(struct buf *buf, size_t len);
/* The text so far; "" if it is empty. Valid until the next addition. */
const char *buf_text(const struct buf *buf);
/* Empty the buffer, but keep the memory and the limit. */
void buf_reset(struct buf *buf);
void buf_release(struct buf *buf);

#endif
