/* SPDX-License-Identifier: MIT */
/*
 * Logs one line per event to standard error.
 *
 * Every line has a stable event name, which tests and alerts match, then a sentence that
 * says what happened and what the reader does next.  Under the journal (JOURNAL_STREAM is
 * set) the line begins with the priority (`<4>`), elsewhere with the time and the level.
 * Any thread may log: each line is written with one write.  Secrets must never be logged.
 *
 * A log that nobody reads does not stop the program: a line that cannot be written within
 * a tenth of a second is dropped and counted.  Before the next line that can be written,
 * `log_lost` says how many were lost.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum log_level {
	LOG_LEVEL_ERROR,   /* the operator must act now */
	LOG_LEVEL_WARNING, /* heals by itself; look at it if it repeats */
	LOG_LEVEL_INFO,    /* changes of state, one progress line every ten seconds */
	LOG_LEVEL_DEBUG,   /* everything else */
};

/*
 * Choose the form of the lines from the environment and standard error. The level is info until
 * it is set.
 */
void log_open(void);
/* Close the descriptor that log_open() opened; later lines go directly to standard error. */
void log_close(void);
/* How many lines could not be written. Thread-safe. */
uint64_t log_lost_count(void);
void log_set_level(enum log_level level);
/* The name of a level: "error", "warning", "info" or "debug". */
const char *log_level_name(enum log_level level);
/* 0 with the level in *ret_level; -1 if the name is none of error, warning, info, debug. */
int log_level_parse(const char *name, enum log_level *ret_level) MUST_CHECK;

void log_error(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warning(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_debug(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Limits a repeated event: it is logged once, then at most every interval_ms, with the number of
 * lines that were left out.  Initialise it with LOG_LIMIT_INIT(interval_ms).  Each limit belongs
 * to one thread.
 */
struct log_limit {
	int64_t interval_ms;
	int64_t next_at_ms;
	unsigned left_out_count;
};
#define LOG_LIMIT_INIT(interval)                                                                   \
	{                                                                                          \
		.interval_ms = (interval)                                                          \
	}
void log_limited(struct log_limit *limit, enum log_level level, const char *event, const char *fmt,
		 ...) PRINTF_LIKE(4, 5);

/*
 * A progress bar is on the last line of a terminal.  The log calls this hook before a line (draw
 * false) and after it (true), to remove the bar and draw it again.  NULL: no bar.
 */
void log_set_redraw(void (*redraw)(void *context, bool draw), void *context);
/* Write the bar: as much of it as the terminal accepts at once. */
void log_draw(const char *text, size_t len);

#endif
