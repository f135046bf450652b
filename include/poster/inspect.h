/* SPDX-License-Identifier: MIT */
/*
 * The commands that look and change nothing: --check, --dry-run.
 */
#ifndef POSTER_INSPECT_H
#define POSTER_INSPECT_H

#include "daemon/process.h"

struct config;
struct signing_accounts;
struct transaction_maker;

/*
 * Let each command sign a test, ask the chain which authority each key has, and print it.  EXIT_BAD_CONFIG: some
 * command fails, or some key does not have the authority of its entry, or is an owner key; EXIT_UNAVAILABLE: no node answers.
 */
enum exit_code inspect_check(const struct config *config, struct signing_accounts *signers,
			     struct transaction_maker *maker);
/* Print the rows that could be signed now, with what would be sent. */
enum exit_code inspect_dry_run(const struct config *config, struct signing_accounts *signers,
			       struct transaction_maker *maker);

#endif
