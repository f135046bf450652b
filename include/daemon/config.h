/* SPDX-License-Identifier: MIT */
/*
 * The configuration file. One table of options is used for parsing, range checks,
 * --print-config, the sample file and the list of the manual page.
 *
 * All mistakes are reported at once, each with file and line.  Only this module uses
 * libconfig. The surprise: libconfig 1.5 silently truncates an integer above 2^31 unless
 * it ends in L; config_load() refuses such a number itself.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "steem/chain.h"
#include "store/db.h"
#include "sync/filter.h"
#include "sync/shared.h"

/* Which program reads the file: each knows only the options that it can use. */
enum config_program {
	CONFIG_READER = 1, /* steem-reader, and steem-worker, which uses a part of them */
	CONFIG_POSTER = 2,
	CONFIG_BOTH = CONFIG_READER | CONFIG_POSTER,
};

#define CONFIG_CURRENCIES 3 /* as in chain->symbols: STEEM, SBD, VESTS */

/* A key of an account, and what it may sign. */
struct config_account {
	char *name;
	bool is_active;  /* the authority of the key: active, else posting */
	bool is_command; /* a command signs, else the key is in key_file */
	char *key_file;
	char **command; /* the program and its arguments */
	size_t command_count;
	char *public_key;   /* the text of the key that the command signs with */
	unsigned timeout_s; /* of one run of the command */
	char **allow;       /* names of operations; none: all that the authority may do */
	size_t allow_count;
	unsigned max_per_day; /* transactions; 0: no limit */
	bool has_amounts;
	uint64_t max_amounts[CONFIG_CURRENCIES]; /* smallest units in a day */
	char **only_to;                          /* accounts; none: all */
	size_t only_to_count;
	unsigned line; /* of the file */
};

struct config {
	enum config_program program;
	struct {
		char **urls;
		size_t count;
	} nodes;
	struct db_config database; /* with the password already read */
	char *password_file;       /* as configured; NULL or "": no file */
	struct {
		char *name; /* the name of the host if the file has "" */
		uint32_t start_block;
		enum reader_follow follow;
		enum chain_known chain;
		char *checkpoint;      /* as configured */
		struct block_name pin; /* the checkpoint, or the chain's first block; num 0: none */
		enum reader_proof proof;
		bool unverified_virtual;
		unsigned stall_s;
	} reader;
	struct filter filter;
	struct {
		unsigned connections;
		unsigned batch_size;
		unsigned timeout_ms;
		unsigned max_memory_mib;
		unsigned rate_limit; /* requests per second to one node; 0: no limit */
	} fetch;
	struct {
		unsigned connections;
		unsigned batch_rows;
		unsigned batch_kib;
	} write;
	struct {
		uint32_t before_tail;
		unsigned scan_interval_s;
		unsigned full_scan_h;
	} replay;
	struct {
		unsigned max_age_s; /* 0: no limit */
		unsigned keep_days; /* 0: for ever */
	} queue;
	struct {
		char *name; /* "": HOST/PID */
		enum chain_known chain;
		unsigned poll_ms;
	} poster;
	struct {
		struct config_account *items;
		size_t count;
	} accounts;
	char *metrics_listen; /* "": metrics are not served */
	enum log_level log_level;
};

/*
 * Read and check a file of this program.  0; or -1 after each mistake was written to `mistakes` as one line
 * "FILE:LINE: OPTION: what is wrong, what is allowed"; *config is then released.
 */
int config_load(struct config *config, enum config_program program, const char *path,
		FILE *mistakes) MUST_CHECK;
/* The same in a running process: mistakes go to the log, because nobody may read standard error. */
int config_reload(struct config *config, enum config_program program, const char *path) MUST_CHECK;
void config_release(struct config *config);
/* Does the URL of a node have parts that are not shown: a user, a password, a query? */
bool config_has_secret(const struct config *config);
/*
 * Write the effective configuration in the syntax of the file, with a comment for each option;
 * never the password.
 */
void config_print(const struct config *config, FILE *out);
/* Write the same with all defaults: the sample file. */
void config_print_sample(enum config_program program, FILE *out);

#endif
