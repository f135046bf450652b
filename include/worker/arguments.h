/* SPDX-License-Identifier: MIT */
/*
 * The command line of steem-worker.
 */
#ifndef WORKER_ARGUMENTS_H
#define WORKER_ARGUMENTS_H

#include <stdbool.h>

#include "base/error.h"
#include "daemon/command_line.h"

#define CONCURRENCY_MAX 128

/* The texts belong to argv, except `worker`. */
struct arguments {
	struct command_line line;
	const char *queue;
	char worker[65]; /* --worker; default: HOST/PID */
	unsigned concurrency;
	unsigned lease_s;
	unsigned timeout_s;
	unsigned stop_s; /* how long commands may continue when the worker is stopped */
	unsigned poll_ms;
	bool is_persistent;
	bool is_drain;
	bool is_reply;
	bool is_act;
	const char *author; /* of the replies and actions */
	bool answers_own;   /* the command also gets what that author did */
	char **command;     /* ends with NULL */
};

/* 0, or -1 with err (ERROR_CONFIG): the fault, and that --help lists what is allowed. */
int arguments_parse(struct arguments *arguments, int argc, char **argv,
		    struct error *err) MUST_CHECK;

#endif
