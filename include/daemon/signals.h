/* SPDX-License-Identifier: MIT */
/*
 * Signals as a descriptor: they are blocked before the first thread starts, and the main
 * loop reads them from a signalfd.
 */
#ifndef DAEMON_SIGNALS_H
#define DAEMON_SIGNALS_H

#include "base/error.h"

/*
 * A signal to stop that comes this soon after another one counts as the same one: timeout(1)
 * sends its signal to the command and again to the process group, and a service manager may do
 * so too.
 */
#define SIGNAL_SAME_STOP_MS 1000

enum signal_event {
	SIGNAL_NOTHING,
	SIGNAL_STOP,   /* SIGTERM or SIGINT: finish what is under way */
	SIGNAL_RELOAD, /* SIGHUP */
};

/*
 * Block the signals for this and all later threads. Returns the descriptor to poll, or -1 with
 * err.
 */
int signals_open(struct error *err) MUST_CHECK;
/* The next signal, or SIGNAL_NOTHING. */
enum signal_event signals_read(int fd);
void signals_close(int fd);

#endif
