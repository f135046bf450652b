/* SPDX-License-Identifier: MIT */
/*
 * The command line.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "base/range.h"

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
	ACTION_HELP,
	ACTION_VERSION,
};

/* Most are from sysexits.h; the unit file and the manual page list all of them. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_GAPS_FOUND = 1, /* --gaps --check found missing blocks */
	EXIT_USAGE_ERROR = 64,
	EXIT_DATA_ERROR = 65,  /* data contradict the chain */
	EXIT_NO_INPUT = 66,    /* the file of --prove cannot be read */
	EXIT_UNAVAILABLE = 69, /* no node or no database in time, or blocks are still missing */
	EXIT_BUG = 70,
	EXIT_OUTPUT_LOST = 74, /* the output could not be written */
	EXIT_INTERRUPTED = 75, /* a backfill was interrupted; run it again */
	EXIT_NO_RIGHTS = 77,
	/* configuration, schema or filter; or another process took over the name */
	EXIT_BAD_CONFIG = 78,
	EXIT_SECOND_SIGNAL = 130,
};

struct options {
	enum action action;
	const char *config_path; /* -c; default: SYSCONFDIR/steem-reader.conf */
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
	bool has_log_level;
	enum log_level log_level;
	const char *admin_user; /* --user */
	const char *forget_name;
};

/* 0, or -1 with err (ERROR_CONFIG): the fault, and that --help lists what is allowed. */
int options_parse(struct options *options, int argc, char **argv, struct error *err) MUST_CHECK;
void options_release(struct options *options);
/*
 * Check the first `count` members of argv: a script with Windows line ends passes a CR, which is
 * invisible in a message that something with this name does not exist.
 */
int options_check_line_ends(char *const *argv, int count, struct error *err) MUST_CHECK;
/* The text fits a screen of 24 lines by 80 columns. */
void options_help(FILE *out);

#endif
