/* SPDX-License-Identifier: MIT */
/*
 * The commands that read the tables, or change data that are not chain data: --gaps,
 * --migrate, --activate-filter, --forget.  Each one tries the database once.
 */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include "daemon/options.h"
#include "daemon/process.h"

struct config;
struct db;
struct db_config;
struct error;

/* Run one command with an open, checked database; every error is reported here. */
enum exit_code admin_with_database(const struct options *options, const struct config *config,
				   int (*command)(const struct options *options,
						  const struct config *config, struct db *db,
						  enum exit_code *code, struct error *err));
/*
 * How to connect for commands that need more rights than a reader has: with the user of --user,
 * and the password in STEEM_READER_PASSWORD.  The configuration must outlive it; the caller
 * frees *ret_user.  -1: the error was reported.
 */
int admin_database(const struct options *options, const struct config *config,
		   struct db_config *ret_database, char **ret_user) MUST_CHECK;
/*
 * Print the text, cleaned (base/text.h) and padded with spaces to `width` characters. A text
 * from a table must be cleaned, because an older program, or somebody else, may have written it.
 */
void admin_print_text(const char *text, unsigned width);
/* Print the text as a JSON string, or null for NULL; characters that are not clean are escaped. */
void admin_print_json_text(const char *text);

enum exit_code admin_gaps(const struct options *options, const struct config *config);
enum exit_code admin_migrate(const struct options *options, const struct config *config);
enum exit_code admin_activate_filter(const struct options *options, const struct config *config);
enum exit_code admin_forget(const struct options *options, const struct config *config);

#endif
