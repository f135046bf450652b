/* SPDX-License-Identifier: MIT */
/*
 * What the command lines of the three programs have in common: -c, --log-level, --help and
 * --version, at most one action, how a mistake is named, and which configuration is read.
 */
#ifndef DAEMON_COMMAND_LINE_H
#define DAEMON_COMMAND_LINE_H

#include <getopt.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"
#include "daemon/config.h"

/* The end of an error that --help answers. */
#define SEE_HELP "; --help lists what is allowed"

/* The ids in a program's table of options, which has a row for each of the four common ones. */
enum command_line_id {
	COMMAND_LINE_END, /* no option is left */
	COMMAND_LINE_CONFIG = 'c',
	COMMAND_LINE_LOG_LEVEL = 256,
	COMMAND_LINE_HELP,
	COMMAND_LINE_VERSION,
	COMMAND_LINE_OTHER,        /* the first id of a program's own options */
	COMMAND_LINE_ACTION = 512, /* plus the action, from 1 on: at most one is allowed */
};

struct command_line_program {
	enum config_program config;
	const char *config_path; /* without -c */
	const struct option *options;
	const char *help;    /* it fits a screen of 24 lines by 80 columns */
	const char *version; /* "steem-reader 1.0.0\n" */
	bool takes_command;  /* the first word that is no option begins a command */
};

struct command_line {
	const struct command_line_program *program;
	const char *config_path; /* belongs to argv */
	bool has_log_level;
	enum log_level log_level;
	int action;         /* 0: none was named */
	const char *answer; /* to --help or --version, and nothing else is to be done; or NULL */
};

/* Begin to read a command line. */
void command_line_init(struct command_line *line, const struct command_line_program *program);
/*
 * Read the next option of the program's own, and all common ones before it. Returns its id, with
 * its value in optarg; or COMMAND_LINE_END; or -1 with err (ERROR_CONFIG).
 */
int command_line_next(struct command_line *line, int argc, char **argv,
		      struct error *err) MUST_CHECK;

/*
 * Load the configuration, and set the log level; --log-level comes before the file's. -1: it has
 * mistakes, which standard error shows.
 */
int command_line_load_config(const struct command_line *line, struct config *config) MUST_CHECK;
/*
 * The same in a running program (SIGHUP): mistakes are logged, with what stays as it was, "log
 * level stays".  systemd hears that a reload begins; the caller ends it with notify_ready().
 */
int command_line_reload_config(const struct command_line *line, struct config *config,
			       const char *stays) MUST_CHECK;
/* A whole reload in a program that takes only the log level from it. */
void command_line_reload_log_level(const struct command_line *line);

#endif
