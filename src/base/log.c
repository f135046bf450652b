/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* A line is cut behind so many bytes; the longest sentences carry one error text of 512. */
#define LINE_BYTES 2048

static const struct {
	const char *name;
	int priority; /* of syslog, which the journal reads from `<N>` */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARNING] = {"warning", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};
#define LEVEL_COUNT (sizeof(levels) / sizeof(levels[0]))

static _Atomic int current_level = LOG_LEVEL_INFO;
static _Atomic bool is_journal;

/* Keeps the bar and the lines apart; also protects the two below. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void (*redraw_hook)(void *context, bool draw);
static void *redraw_context;

void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");

	/* A shell under the journal passes the variable on to what runs on a terminal. */
	atomic_store(&is_journal, stream != NULL && stream[0] != '\0' && !isatty(STDERR_FILENO));
}

void log_set_level(enum log_level level)
{
	atomic_store(&current_level, (int)level);
}

const char *log_level_name(enum log_level level)
{
	return (size_t)level < LEVEL_COUNT ? levels[level].name : "unknown";
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (strcmp(name, levels[i].name) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

void log_set_redraw(void (*redraw)(void *context, bool draw), void *context)
{
	pthread_mutex_lock(&lock);
	redraw_hook = redraw;
	redraw_context = context;
	pthread_mutex_unlock(&lock);
}

static void write_whole(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t written = write(STDERR_FILENO, text, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return; /* nobody listens: nothing better can be done */
		text += written;
		len -= (size_t)written;
	}
}

/* One event, one line: what nodes and databases say may hold line ends and escape codes. */
static void flatten(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
	}
}

static size_t write_head(char *line, size_t size, enum log_level level, const char *event)
{
	char now[24];
	int len;

	if (atomic_load(&is_journal))
		len = snprintf(line, size, "<%d>%s: ", levels[level].priority, event);
	else
		len = snprintf(line, size,
			       "%s %s %s: ", clock_format_utc(clock_wall_s(), now, sizeof(now)),
			       levels[level].name, event);
	if (len < 0)
		return 0;
	return (size_t)len < size ? (size_t)len : size - 1;
}

static void write_line(enum log_level level, const char *event, const char *fmt, va_list args,
		       unsigned left_out_count) __attribute__((format(printf, 3, 0)));

static void write_line(enum log_level level, const char *event, const char *fmt, va_list args,
		       unsigned left_out_count)
{
	static const char cut[] = "...";
	char line[LINE_BYTES];
	size_t room = sizeof(line) - 64; /* for the count and the line end */
	size_t len = write_head(line, room, level, event);
	int wanted = vsnprintf(line + len, room - len, fmt, args);

	if (wanted < 0)
		return;
	if ((size_t)wanted >= room - len) {
		len = room - 1;
		memcpy(line + len - (sizeof(cut) - 1), cut, sizeof(cut) - 1);
	} else {
		len += (size_t)wanted;
	}
	line[len] = '\0';
	flatten(line);
	if (left_out_count > 0) {
		int more = snprintf(line + len, sizeof(line) - len - 1,
				    " (%u more like this were left out)", left_out_count);
		len += more > 0 ? (size_t)more : 0;
	}
	line[len++] = '\n';

	pthread_mutex_lock(&lock);
	if (redraw_hook != NULL)
		redraw_hook(redraw_context, false);
	write_whole(line, len);
	if (redraw_hook != NULL)
		redraw_hook(redraw_context, true);
	pthread_mutex_unlock(&lock);
}

static bool is_wanted(enum log_level level)
{
	return (int)level <= atomic_load(&current_level);
}

#define WRITE_AT(level)                                                                            \
	do {                                                                                       \
		int saved_errno = errno;                                                           \
		va_list args;                                                                      \
		if (!is_wanted(level))                                                             \
			return;                                                                    \
		va_start(args, fmt);                                                               \
		write_line(level, event, fmt, args, 0);                                            \
		va_end(args);                                                                      \
		errno = saved_errno;                                                               \
	} while (0)

void log_error(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_ERROR);
}

void log_warning(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_WARNING);
}

void log_info(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_INFO);
}

void log_debug(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_DEBUG);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *event, const char *fmt,
		 ...)
{
	int64_t now_ms = clock_now_ms();
	va_list args;

	if (!is_wanted(level))
		return;
	if (now_ms < limit->next_at_ms) {
		limit->left_out_count++;
		return;
	}
	va_start(args, fmt);
	write_line(level, event, fmt, args, limit->left_out_count);
	va_end(args);
	limit->next_at_ms = now_ms + limit->interval_ms;
	limit->left_out_count = 0;
}
