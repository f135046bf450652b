/* SPDX-License-Identifier: MIT */
/*
 * The commands that look at the tables or change what is not chain data: --gaps,
 * --migrate, --activate-filter, --forget.  Each tries the database once.
 */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include "daemon/options.h"

struct config;
struct db;
struct error;

/* Run one command with an open, checked database; every error is reported here. */
enum exit_code admin_with_database(const struct options *options, const struct config *config,
				   int (*command)(const struct options *options,
						  const struct config *config, struct db *db,
						  enum exit_code *code, struct error *err));
/*
 * To standard output, with what is not clean (base/text.h) as U+FFFD, and with spaces behind it up to
 * so many characters: the tables may hold what an older program, or somebody else, wrote.
 */
void admin_print_text(const char *text, unsigned width);
/* A JSON string, or null for NULL, to standard output; what is not clean is escaped. */
void admin_print_json_text(const char *text);

enum exit_code admin_gaps(const struct options *options, const struct config *config);
enum exit_code admin_migrate(const struct options *options, const struct config *config);
enum exit_code admin_activate_filter(const struct options *options, const struct config *config);
enum exit_code admin_forget(const struct options *options, const struct config *config);

#endif
