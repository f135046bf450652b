/* SPDX-License-Identifier: MIT */
/*
 * --status: shows the state of the readers, the queues and the outbox.
 *
 * The list of --status --json is a contract, and stays a list of readers; --queues --json
 * prints an object, to which lists can be added.
 */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include "daemon/options.h"
#include "daemon/process.h"

struct config;

enum exit_code status_run(const struct options *options, const struct config *config);

#endif
