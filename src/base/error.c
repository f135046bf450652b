/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"

/* The arguments may point into the error that is being filled. */
static void fill(struct error *err, enum error_kind kind, enum error_class class, int code,
		 const char *fmt, va_list args) __attribute__((format(printf, 5, 0)));

static void fill(struct error *err, enum error_kind kind, enum error_class class, int code,
		 const char *fmt, va_list args)
{
	if (err == NULL)
		return;
	err->kind = kind;
	err->class = class;
	err->code = code;
	text_vformat(err->text, sizeof(err->text), fmt, args);
}

int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, kind, ERROR_CLASS_NONE, 0, fmt, args);
	va_end(args);
	return -1;
}

int error_set_code(struct error *err, enum error_kind kind, enum error_class class, int code,
		   const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, kind, class, code, fmt, args);
	va_end(args);
	return -1;
}

int error_set_node(struct error *err, int failure, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, ERROR_NODE, ERROR_CLASS_NODE, failure, fmt, args);
	va_end(args);
	return -1;
}

int error_set_errno(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	int number = errno;
	char space[128];
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, fmt);
	fill(err, kind, ERROR_CLASS_SYSTEM, number, fmt, args);
	va_end(args);
	text_format(err->text, sizeof(err->text), "%s: %s", err->text,
		    strerror_r(number, space, sizeof(space)));
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char prefix[sizeof(err->text)];
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, fmt);
	text_vformat(prefix, sizeof(prefix), fmt, args);
	va_end(args);
	text_format(err->text, sizeof(err->text), "%s%s", prefix, err->text);
	return -1;
}

bool error_is(const struct error *err, enum error_class class, int code)
{
	return err->class == class && err->code == code;
}
