/* SPDX-License-Identifier: MIT */
/* base/log.h: lines go into the trace with the simulated time, and are counted by event. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "events.h"
#include "sched.h"

#define MAX_EVENTS 128

static struct {
	char name[40];
	uint64_t count;
} events[MAX_EVENTS];

bool events_may_contradict;

/* Can only a lie cause this event? */
static bool is_contradiction(const char *event)
{
	static const char *const contradictions[] = {"block_disputed", "block_unstorable",
						     "claim_false",    "link_broken",
						     "node_excluded",  "stored_block_orphaned"};

	for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++)
		if (strcmp(event, contradictions[i]) == 0)
			return true;
	return false;
}

static bool is_asked_again(void)
{
	const struct process *process = process_self();

	return process && process->has_nothing_to_do;
}

static void note(enum log_level level, const char *event, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

static void note(enum log_level level, const char *event, const char *fmt, va_list args)
{
	char text[1024];
	size_t at = 0;

	while (at < MAX_EVENTS - 1 && events[at].name[0] != '\0' &&
	       strcmp(events[at].name, event) != 0)
		at++;
	if (events[at].name[0] == '\0')
		snprintf(events[at].name, sizeof(events[at].name), "%s", event);
	events[at].count++;
	if (is_asked_again())
		sim_fail("it waited with something to do: the event %s", event);
	if (strcmp(event, "bug") == 0 || (!events_may_contradict && is_contradiction(event)))
		sim_fail("the event %s, which has no cause here", event);
	if (!sim_is_verbose)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	sim_trace("%s %s: %s", log_level_name(level), event, text);
}

void events_print(void)
{
	for (size_t i = 0; i < MAX_EVENTS && events[i].name[0] != '\0'; i++)
		printf("%12llu %s\n", (unsigned long long)events[i].count, events[i].name);
}

#define NOTE(level)                                                                                \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, fmt);                                                               \
		note(level, event, fmt, args);                                                     \
		va_end(args);                                                                      \
	} while (0)

void log_error(const char *event, const char *fmt, ...)
{
	NOTE(LOG_LEVEL_ERROR);
}

void log_warning(const char *event, const char *fmt, ...)
{
	NOTE(LOG_LEVEL_WARNING);
}

void log_info(const char *event, const char *fmt, ...)
{
	NOTE(LOG_LEVEL_INFO);
}

void log_debug(const char *event, const char *fmt, ...)
{
	NOTE(LOG_LEVEL_DEBUG);
}

/*
 * Every line: a limit would carry over from one simulation to the next.  But it would swallow one that is
 * written twice at one moment.
 */
void log_limited(struct log_limit *limit, enum log_level level, const char *event, const char *fmt,
		 ...)
{
	(void)limit;
	if (!is_asked_again())
		NOTE(level);
}

void log_open(void)
{
}

void log_set_level(enum log_level level)
{
	(void)level;
}

const char *log_level_name(enum log_level level)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};

	return names[level];
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
	(void)name;
	(void)ret_level;
	return -1;
}

void log_set_redraw(void (*redraw)(void *context, bool draw), void *context)
{
	(void)redraw;
	(void)context;
}

void log_draw(const char *text, size_t len)
{
	(void)text;
	(void)len;
}

void log_close(void)
{
}

uint64_t log_lost_count(void)
{
	return 0;
}
