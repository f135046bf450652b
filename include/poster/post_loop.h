/* SPDX-License-Identifier: MIT */
/*
 * The main loop of steem-poster.  One thread waits for nodes, signals and finished jobs; the database
 * threads of sync/executor sign and commit.  The first never waits for the database.
 */
#ifndef POSTER_POST_LOOP_H
#define POSTER_POST_LOOP_H

#include "daemon/process.h"

struct poster_arguments;
struct config;
struct signing_accounts;
struct transaction_maker;

/* Runs until a signal, the end of --once, or an error. Returns the exit code. */
enum exit_code post_loop_run(const struct poster_arguments *arguments, const struct config *config,
			     struct signing_accounts *signers, struct transaction_maker *maker);

#endif
