/* SPDX-License-Identifier: MIT */
/*
 * --status: how the readers are, and the queues and the outbox.
 *
 * The list of --status --json is a contract, and stays one of readers; --queues --json gives an
 * object, to which lists can be added.
 */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include "daemon/options.h"

struct config;

enum exit_code status_run(const struct options *options, const struct config *config);

#endif
