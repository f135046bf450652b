/* SPDX-License-Identifier: MIT */
/*
 * --rewind BLOCK: take back all that stands above a block, when nodes claimed or gave blocks that
 * the chain does not have.  It goes in small commits, and no reader may work meanwhile.
 */
#ifndef DAEMON_REWIND_H
#define DAEMON_REWIND_H

#include "daemon/options.h"

struct config;

enum exit_code rewind_run(const struct options *options, const struct config *config);

#endif
