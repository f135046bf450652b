/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_BYTES ((size_t)256)

void buf_init(struct buf *buf, size_t limit_bytes)
{
	*buf = BUF_INIT(limit_bytes);
}

/* Make room for len more bytes and the NUL. False, and is_full: the limit forbids it. */
static bool grow(struct buf *buf, size_t len)
{
	size_t wanted;

	if (len > buf->limit_bytes - buf->len) {
		buf->is_full = true;
		return false;
	}
	wanted = buf->len + len + 1;
	if (wanted > buf->capacity) {
		size_t capacity = buf->capacity > 0 ? buf->capacity : FIRST_BYTES;

		while (capacity < wanted)
			capacity *= 2;
		/* Doubling must not allocate twice what the limit allows. */
		if (buf->limit_bytes < capacity - 1)
			capacity = buf->limit_bytes + 1;
		buf->data = xrealloc(buf->data, capacity);
		buf->capacity = capacity;
	}
	return true;
}

int buf_add(struct buf *buf, const void *bytes, size_t len)
{
	if (!grow(buf, len))
		return -1;
	if (len > 0)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

char *buf_extend(struct buf *buf, size_t len)
{
	if (!grow(buf, len))
		return NULL;
	buf->len += len;
	buf->data[buf->len] = '\0';
	return buf->data + buf->len - len;
}

int buf_add_text(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

int buf_add_char(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

int buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list args;
	int wanted;

	va_start(args, fmt);
	wanted = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (wanted < 0 || !grow(buf, (size_t)wanted))
		return -1;
	va_start(args, fmt);
	vsnprintf(buf->data + buf->len, (size_t)wanted + 1, fmt, args);
	va_end(args);
	buf->len += (size_t)wanted;
	return 0;
}

const char *buf_text(const struct buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->is_full = false;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = 0;
	buf->capacity = 0;
	buf->is_full = false;
}
