/* SPDX-License-Identifier: MIT */
#include "fakechain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GENESIS_S     1458835200
#define MARK          '\x01'
#define MAX_TEMPLATES 4096

static struct text templates[MAX_TEMPLATES];
static size_t template_count;

void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Texts. */

char *text_room(struct text *text, size_t len)
{
	if (text->len + len > text->capacity) {
		text->capacity = (text->len + len) * 3 / 2;
		text->data = realloc(text->data, text->capacity);
		if (!text->data)
			die("memory");
	}
	return text->data + text->len;
}

void text_add(struct text *text, const void *data, size_t len)
{
	memcpy(text_room(text, len), data, len);
	text->len += len;
}

void text_addf(struct text *text, const char *format, ...)
{
	char buffer[1024];
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(buffer, sizeof(buffer), format, arguments);
	va_end(arguments);
	text_add(text, buffer, (size_t)len);
}

/* The chain. */

static uint64_t scramble(uint64_t value)
{
	value += 0x9e3779b97f4a7c15;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
	value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
	return value ^ (value >> 31);
}

void chain_add_id(struct text *out, uint32_t num)
{
	if (num == 0)
		text_addf(out, "%040d", 0);
	else
		text_addf(out, "%08x%016llx%016llx", num, (unsigned long long)scramble(num),
			  (unsigned long long)scramble(~(uint64_t)num));
}

void chain_add_time(struct text *out, uint32_t num)
{
	time_t when = GENESIS_S + (time_t)num * 3;
	struct tm tm;
	char buffer[32];

	gmtime_r(&when, &tm);
	text_add(out, buffer, strftime(buffer, sizeof(buffer), "%Y-%m-%dT%H:%M:%S", &tm));
}

void chain_add_block(struct text *out, uint32_t num)
{
	const struct text *template = &templates[(num - 1) % template_count];
	const char *from = template->data;
	const char *end = from + template->len;
	const char *mark;

	while ((mark = memchr(from, MARK, (size_t)(end - from)))) {
		text_add(out, from, (size_t)(mark - from));
		if (mark[1] == 'N')
			text_addf(out, "%u", num);
		else if (mark[1] == 'T')
			chain_add_time(out, num);
		else
			chain_add_id(out, mark[1] == 'P' ? num - 1 : num);
		from = mark + 2;
	}
	text_add(out, from, (size_t)(end - from));
}
void chain_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file)
		die(path);
	while (template_count < MAX_TEMPLATES && fscanf(file, "%zu", &len) == 1) {
		struct text *template = &templates[template_count++];

		(void)fgetc(file);
		template->len = fread(text_room(template, len), 1, len, file);
		if (template->len != len)
			die("the corpus is cut");
	}
	fclose(file);
	if (template_count == 0)
		die("the corpus is empty");
}
