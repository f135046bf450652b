/* SPDX-License-Identifier: MIT */
/*
 * The command line of steem-reader.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "daemon/command_line.h"

enum action {
	ACTION_RUN,
	ACTION_BACKFILL,
	ACTION_ONCE,
	ACTION_VERIFY,
	ACTION_PROVE,
	ACTION_PURGE,
	ACTION_REWIND,
	ACTION_GAPS,
	ACTION_STATUS,
	ACTION_MIGRATE,
	ACTION_ACTIVATE_FILTER,
	ACTION_FORGET,
	ACTION_CHECK_CONFIG,
	ACTION_PRINT_CONFIG,
};

struct options {
	struct command_line line;
	enum action action;
	struct range_set backfill;
	bool refilter;
	bool revirtual;        /* --virtual */
	uint32_t purge_before; /* --purge */
	uint32_t rewind_block; /* --rewind */
	bool queues;           /* --status --queues */
	bool deliver;
	struct range_set verify;
	bool deep;    /* with --verify: every operation row */
	bool offline; /* check the tables alone */
	bool repair;
	const char *prove_path; /* --prove; "-": standard input */
	bool check;             /* --gaps --check */
	bool json;
	bool dry_run;
	const char *admin_user; /* --user */
	const char *forget_name;
};

/* 0, or -1 with err (ERROR_CONFIG): the fault, and that --help lists what is allowed. */
int options_parse(struct options *options, int argc, char **argv, struct error *err) MUST_CHECK;
void options_release(struct options *options);

#endif
