/* SPDX-License-Identifier: MIT */
/*
 * The commands that read: the daemon, --once and --backfill.  One loop for all three:
 * signals, systemd, and the reader's turns.
 */
#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

#include "daemon/options.h"

struct config;

/* Blocks the signals; returns the exit code. */
enum exit_code run_reader(const struct options *options, const struct config *config);

#endif
