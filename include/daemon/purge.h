/* SPDX-License-Identifier: MIT */
/*
 * --purge BEFORE-BLOCK: removes the operations of old blocks, in small commits at half of
 * the possible speed, so that other users of the database and its replicas keep up.
 */
#ifndef DAEMON_PURGE_H
#define DAEMON_PURGE_H

#include "daemon/options.h"
#include "daemon/process.h"

struct config;

enum exit_code purge_run(const struct options *options, const struct config *config);

#endif
