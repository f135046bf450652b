/* SPDX-License-Identifier: MIT */
/*
 * The command line of steem-poster.
 */
#ifndef POSTER_POSTER_ARGUMENTS_H
#define POSTER_POSTER_ARGUMENTS_H

#include "base/error.h"
#include "daemon/command_line.h"

enum poster_action {
	POSTER_RUN,
	POSTER_ONCE,
	POSTER_CHECK,
	POSTER_DRY_RUN,
	POSTER_CHECK_CONFIG,
	POSTER_PRINT_CONFIG,
};

struct poster_arguments {
	struct command_line line;
	enum poster_action action;
};

/* 0, or -1 with err (ERROR_CONFIG): the fault, and that --help lists what is allowed. */
int poster_arguments_parse(struct poster_arguments *arguments, int argc, char **argv,
			   struct error *err) MUST_CHECK;

#endif
