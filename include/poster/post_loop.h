/* SPDX-License-Identifier: MIT */
/*
 * The main loop of steem-poster.  One thread waits for nodes, signals and finished jobs; the database
 * threads of sync/executor sign and commit.  The first never waits for the database.
 */
#ifndef POSTER_POST_LOOP_H
#define POSTER_POST_LOOP_H

#include "daemon/options.h"

struct cmdline;
struct config;
struct signets;
struct transaction_maker;

/* Runs until a signal, the end of --once, or an error. Returns the exit code. */
enum exit_code post_loop_run(const struct cmdline *cmdline, const struct config *config,
			     struct signets *signets, struct transaction_maker *maker);

#endif
