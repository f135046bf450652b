/* SPDX-License-Identifier: MIT */
/*
 * What systemd is told, over NOTIFY_SOCKET; nothing happens where that is not set.
 *
 * The watchdog is fed only by progress, so the caller decides when.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

#include "base/error.h"

/* Remember NOTIFY_SOCKET and WATCHDOG_USEC, and take them out of the environment. */
void notify_open(void);
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* One line, seen in `systemctl status`. */
void notify_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
void notify_watchdog(void);
/* Ask for more time while starting or stopping. */
void notify_extend_timeout(int64_t ms);
/* Half of the watchdog's time, or 0 when there is none. */
int64_t notify_watchdog_interval_ms(void);

#endif
