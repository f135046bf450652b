/* SPDX-License-Identifier: MIT */
/*
 * The commands that read the chain: the daemon, --once, --backfill and --verify.  They
 * share one loop: signals, systemd, and the turns of the reader.
 */
#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

#include "daemon/options.h"
#include "daemon/process.h"

struct config;
struct reader_verify;
struct verify_counts;

/* Blocks the signals; returns the exit code. verify and ret_counts are for --verify, else NULL. */
enum exit_code run_reader(const struct options *options, const struct config *config,
			  const struct reader_verify *verify, struct verify_counts *ret_counts);

#endif
