/* SPDX-License-Identifier: MIT */
/*
 * Messages to systemd, over NOTIFY_SOCKET; without that variable nothing happens.
 *
 * The watchdog must be fed only if there is progress, so the caller decides when.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Read NOTIFY_SOCKET and WATCHDOG_USEC, and remove them from the environment. */
void notify_open(void);
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* Set the line that `systemctl status` shows. */
void notify_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Ask for more time to start or stop. */
void notify_extend_timeout(int64_t ms);

/* A status is due so often. */
#define NOTIFY_STATUS_MS 5000

/* When the regular messages of a loop are due; {0} at its start. */
struct notify_times {
	int64_t status_at_ms;
	int64_t fed_at_ms;
};
/* Is it time for a status?  Then the caller tells it. */
bool notify_is_status_due(struct notify_times *times, int64_t now_ms);
/* Feed the watchdog if there is one and it is time; true: it was fed. */
bool notify_feed(struct notify_times *times, int64_t now_ms);
/* When one of the two is due next. */
int64_t notify_next_ms(const struct notify_times *times);

#endif
