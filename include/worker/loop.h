/* SPDX-License-Identifier: MIT */
/*
 * The life of the worker: one thread that polls signals, pipes and finished errands, and one that
 * has the connection to the database (sync/writer).  Nothing in the first one waits for the second.
 */
#ifndef WORKER_LOOP_H
#define WORKER_LOOP_H

#include "daemon/options.h"

struct arguments;
struct config;

/* Runs until a signal, the end of a drain, or an error; returns the exit code. path: of the command. */
enum exit_code loop_run(const struct arguments *arguments, const struct config *config, char *path);

#endif
