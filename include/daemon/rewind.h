/* SPDX-License-Identifier: MIT */
/*
 * --rewind BLOCK: removes everything above a block, after nodes claimed or gave blocks
 * that the chain does not have.  It works in small commits, and no reader may run
 * meanwhile.
 */
#ifndef DAEMON_REWIND_H
#define DAEMON_REWIND_H

#include "daemon/options.h"
#include "daemon/process.h"

struct config;

enum exit_code rewind_run(const struct options *options, const struct config *config);

#endif
