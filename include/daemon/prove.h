/* SPDX-License-Identifier: MIT */
/*
 * --prove: do the hashes in a file of answers match their contents?
 *
 * It needs no database, no configuration and no node.
 */
#ifndef DAEMON_PROVE_H
#define DAEMON_PROVE_H

#include "daemon/options.h"
#include "daemon/process.h"

/*
 * Print a line for each answer of get_block in the file, then the totals.  0: all are proved;
 * 65: one is false; 69: one cannot be proved from its JSON, or is not a block; 66: the file
 * cannot be read.
 */
enum exit_code prove_run(const struct options *options);

#endif
