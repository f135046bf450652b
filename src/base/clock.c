/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t (*source)(void *context);
static void *source_context;

int64_t clock_now_ms(void)
{
	struct timespec now;

	if (source != NULL)
		return source(source_context);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec;
}

void clock_set_source(int64_t (*now_ms)(void *context), void *context)
{
	source = now_ms;
	source_context = context;
}

char *clock_format_utc(int64_t wall_s, char *text, size_t size)
{
	time_t seconds = (time_t)wall_s;
	struct tm parts;

	if (size == 0)
		return text;
	if (gmtime_r(&seconds, &parts) == NULL ||
	    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		text[0] = '\0';
	return text;
}

/* The value of `count` digits; -1: they are not all digits. */
static int digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

int64_t clock_parse_utc(const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00";
	struct tm given = {0};
	struct tm normal;
	time_t seconds;

	if (strnlen(text, sizeof(shape)) != sizeof(shape) - 1)
		return -1;
	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		if (shape[i] == '0' ? digits(text + i, 1) < 0 : text[i] != shape[i])
			return -1;
	}
	given.tm_year = digits(text, 4) - 1900;
	given.tm_mon = digits(text + 5, 2) - 1;
	given.tm_mday = digits(text + 8, 2);
	given.tm_hour = digits(text + 11, 2);
	given.tm_min = digits(text + 14, 2);
	given.tm_sec = digits(text + 17, 2);
	normal = given;
	seconds = timegm(&normal);
	/* timegm() turns 30 February into 1 March: refuse such a time. */
	if (seconds < 0 || normal.tm_mon != given.tm_mon || normal.tm_mday != given.tm_mday ||
	    normal.tm_hour != given.tm_hour || normal.tm_min != given.tm_min ||
	    normal.tm_sec != given.tm_sec)
		return -1;
	return (int64_t)seconds;
}
