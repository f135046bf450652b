/* SPDX-License-Identifier: MIT */
/*
 * Messages to systemd, over NOTIFY_SOCKET; without that variable nothing happens.
 *
 * The watchdog must be fed only if there is progress, so the caller decides when.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

#include "base/error.h"

/* Read NOTIFY_SOCKET and WATCHDOG_USEC, and remove them from the environment. */
void notify_open(void);
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* Set the line that `systemctl status` shows. */
void notify_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
void notify_watchdog(void);
/* Ask for more time to start or stop. */
void notify_extend_timeout(int64_t ms);
/* Half of the watchdog's time in ms; 0: there is no watchdog. */
int64_t notify_watchdog_interval_ms(void);

#endif
