/* SPDX-License-Identifier: MIT */
/*
 * The options as rows of one table: parsing, range checks, printing and the sample file
 * all use it.  A new option is one row here, a field in struct config, its use, and a
 * paragraph in the manual page.
 */
#ifndef DAEMON_CONFIG_TABLE_H
#define DAEMON_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "daemon/config.h"

enum option_type {
	OPTION_TEXT,     /* char *; min and max are its length in bytes */
	OPTION_UINT,     /* 32 bits */
	OPTION_BOOL,     /* true or false */
	OPTION_LEVEL,    /* enum log_level */
	OPTION_CHOICE,   /* an enum from 0 on; the row has its texts */
	OPTION_NODES,    /* list of groups with a url */
	OPTION_HOSTS,    /* list of texts */
	OPTION_FILTER,   /* list of groups, members in filter_rows */
	OPTION_ACCOUNTS, /* list of groups, members in account_rows */
};

struct config_loading;
struct config_setting_t;
/* Is this text allowed?  If not, a mistake says why (config_mistake() with `at` and `option`). */
typedef bool option_check(struct config_loading *loading, const struct config_setting_t *at,
			  const char *option, const char *text);

struct option_row {
	const char *group; /* NULL: at the top level of the file */
	const char *name;
	enum option_type type;
	size_t offset;        /* in struct config */
	const char *fallback; /* the default: a number or a text */
	uint32_t min;
	uint32_t max;
	bool is_reloadable; /* SIGHUP changes it */
	const char *help;   /* lines; the first one says what it is */
	/* Of an OPTION_CHOICE, in the order of its enum; behind the last one is NULL. */
	const char *const *choices;
	option_check *check; /* of each text of it; NULL: none */
	unsigned programs;   /* enum config_program: who knows it; 0: CONFIG_READER */
};
bool config_row_is_for(const struct option_row *row, enum config_program program);

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* The conditions of a filter rule; all are texts, `operation` may also be a list of texts. */
struct filter_row {
	const char *name;
	size_t offset; /* of a char * in struct filter_rule; SIZE_MAX: `operation` */
	size_t max_bytes;
	const char *help;
	option_check *check; /* NULL: none */
};

extern const struct filter_row filter_rows[];
extern const size_t filter_row_count;

/* The members of an account; config_accounts.c reads them. */
struct account_row {
	const char *name;
	const char *help;
};

extern const struct account_row account_rows[];
extern const size_t account_row_count;

/* The prefix of an operation's name that accounts.c does not know. */
#define CONFIG_UNKNOWN_OPERATION "unknown:"

/* Set all options to their defaults; the caller releases config. */
void config_set_defaults(struct config *config, enum config_program program);

/*
 * The text of the file, or of a pipe; the caller frees it. NULL with err: it cannot be read, is
 * too large, or is a pipe without data. *ret_is_public: every user may read it.
 */
char *config_file_text(const char *path, bool *ret_is_public, struct error *err) MUST_CHECK;
/*
 * Find what libconfig would accept silently: integers that it would truncate, and @include.
 * Writes a line for each to mistakes and returns how many there were.
 */
unsigned config_scan_text(const char *path, const char *text, FILE *mistakes);
/*
 * Read the password in a file, without one trailing newline; *ret_password is NULL if the file
 * is empty.  The file is refused if others may read it, if it is no regular file, if it belongs
 * to neither root nor the user of this process, or if others may change a folder above it.
 */
int config_read_password(const char *path, char **ret_password, struct error *err) MUST_CHECK;
/*
 * Read a file that is as secret as that into `text`, and nowhere else: no buffer of ours or of the
 * library sees it.  At most `size` bytes.
 */
int config_read_secret(const char *path, char *text, size_t size, size_t *ret_len,
		       struct error *err) MUST_CHECK;
/* Can nobody but root and the user of this process change or replace the file of a program? */
int config_check_program(const char *path, struct error *err) MUST_CHECK;

#endif
