/* SPDX-License-Identifier: MIT */
/*
 * The command line of steem-poster.
 */
#ifndef POSTER_POSTER_ARGUMENTS_H
#define POSTER_POSTER_ARGUMENTS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"

enum poster_action {
	POSTER_RUN,
	POSTER_ONCE,
	POSTER_CHECK,
	POSTER_DRY_RUN,
	POSTER_CHECK_CONFIG,
	POSTER_PRINT_CONFIG,
	POSTER_HELP,
	POSTER_VERSION,
};

struct poster_arguments {
	enum poster_action action;
	const char *config_path; /* -c; default: SYSCONFDIR/steem-poster.conf; belongs to argv */
	bool has_log_level;
	enum log_level log_level;
};

/* 0, or -1 with err (ERROR_CONFIG): the fault, and that --help lists what is allowed. */
int poster_arguments_parse(struct poster_arguments *arguments, int argc, char **argv,
			   struct error *err) MUST_CHECK;
/* The text fits a screen of 24 lines by 80 columns. */
void poster_arguments_help(FILE *out);

#endif
