/* SPDX-License-Identifier: MIT */
/*
 * The commands that look at the tables or change what is not chain data: --gaps,
 * --status, --migrate, --activate-filter, --forget.  Each tries the database once.
 */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include "daemon/options.h"

struct config;

enum exit_code admin_gaps(const struct options *options, const struct config *config);
enum exit_code admin_status(const struct options *options, const struct config *config);
enum exit_code admin_migrate(const struct options *options, const struct config *config);
enum exit_code admin_activate_filter(const struct options *options, const struct config *config);
enum exit_code admin_forget(const struct options *options, const struct config *config);

#endif
