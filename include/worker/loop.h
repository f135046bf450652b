/* SPDX-License-Identifier: MIT */
/*
 * The main loop of the worker: one thread polls signals, pipes and finished tasks,
 * another one has the connection to the database (sync/executor).  The first never waits for
 * the second.
 */
#ifndef WORKER_LOOP_H
#define WORKER_LOOP_H

#include "daemon/process.h"

struct arguments;
struct config;

/*
 * Runs until a signal, the end of --drain, or an error. Returns the exit code.
 * path: of the command.
 */
enum exit_code loop_run(const struct arguments *arguments, const struct config *config, char *path);

#endif
