/* SPDX-License-Identifier: MIT */
/*
 * One line per event on standard error.
 *
 * Every line carries a stable event name, on which tests and alerts match, then
 * a sentence that says what happened and what the reader does next.  Under the
 * journal (JOURNAL_STREAM is set) the line begins with the priority (`<4>`),
 * elsewhere with the time and the level.  Any thread may log: a line is written
 * whole, with one write.  Secrets never come here.
 *
 * A log that nobody reads stops nothing: a line that cannot be written within a tenth of a second
 * is dropped and counted.  Before the next line that can be written, `log_lost` says how many.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum log_level {
	LOG_LEVEL_ERROR,   /* the operator must act now */
	LOG_LEVEL_WARNING, /* will heal by itself; look if it repeats */
	LOG_LEVEL_INFO,    /* changes of state, one progress line every ten seconds */
	LOG_LEVEL_DEBUG,   /* everything else */
};

/*
 * Look at the environment and at standard error, and choose the form of the lines. The level is
 * info until set.
 */
void log_open(void);
/* Close the descriptor that log_open() opened; later lines go to standard error itself. */
void log_close(void);
/* How many lines could not be written. Any thread. */
uint64_t log_lost_count(void);
void log_set_level(enum log_level level);
const char *log_level_name(enum log_level level);
/* 0 and the level in *ret_level, or -1 when the name is none of error, warning, info, debug. */
int log_level_parse(const char *name, enum log_level *ret_level) MUST_CHECK;

void log_error(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warning(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_debug(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * A burst of one event is logged once, then at most every interval_ms, with the
 * number of lines that were left out.  Static storage is initialised by
 * LOG_LIMIT_INIT(interval_ms).  One limit belongs to one thread.
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
 * A progress bar stands on the last line of a terminal.  The log calls this hook
 * before a line (with false) and after it (with true), so that the bar can be
 * taken away and drawn again.  NULL: none.
 */
void log_set_redraw(void (*redraw)(void *context, bool draw), void *context);
/* Write the bar: as much of it as the terminal takes at once. */
void log_draw(const char *text, size_t len);

#endif
