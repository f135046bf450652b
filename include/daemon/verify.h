/* SPDX-License-Identifier: MIT */
/*
 * --verify: prints what is wrong with stored blocks, as lines or as one JSON object.
 */
#ifndef DAEMON_VERIFY_H
#define DAEMON_VERIFY_H

#include "daemon/options.h"
#include "daemon/process.h"

struct config;

/*
 * 0: everything is right or was repaired; 65: differences remain; 69: some blocks could not be
 * compared.
 */
enum exit_code verify_run(const struct options *options, const struct config *config);

#endif
