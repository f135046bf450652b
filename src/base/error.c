/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Through a copy: the arguments may point into the error that is being filled. */
static void fill(struct error *err, enum error_kind kind, int code, const char *fmt, va_list args)
	__attribute__((format(printf, 4, 0)));

static void fill(struct error *err, enum error_kind kind, int code, const char *fmt, va_list args)
{
	char text[sizeof(err->text)];

	if (err == NULL)
		return;
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	err->kind = kind;
	err->code = code;
	memcpy(err->text, text, sizeof(text));
}

int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, kind, 0, fmt, args);
	va_end(args);
	return -1;
}

int error_set_code(struct error *err, enum error_kind kind, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, kind, code, fmt, args);
	va_end(args);
	return -1;
}

int error_set_errno(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	int number = errno;
	char space[128];
	size_t len;
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, fmt);
	fill(err, kind, number, fmt, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		 strerror_r(number, space, sizeof(space)));
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	size_t len;
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, "%s", err->text);
	memcpy(err->text, text, sizeof(text));
	return -1;
}
