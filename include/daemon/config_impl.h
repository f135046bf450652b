/* SPDX-License-Identifier: MIT */
/* The inside of reading a configuration file: for config*.c only. */
#ifndef DAEMON_CONFIG_IMPL_H
#define DAEMON_CONFIG_IMPL_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/config_table.h"

/* The state of reading one file. */
struct config_loading {
	struct config *config;
	const char *path;
	FILE *mistakes;
	unsigned mistake_count;
	const config_setting_t *filter; /* checked after all other options; NULL: none */
	const struct option_row *filter_row;
	const config_setting_t *accounts; /* as the filter */
	const struct option_row *accounts_row;
};

/* Write "FILE:LINE: OPTION: what is wrong"; at NULL: line 1. */
void config_mistake(struct config_loading *loading, const config_setting_t *at, const char *option,
		    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* "steem-reader" */
const char *config_program_name(enum config_program program);
/* The type of a setting, in words. */
const char *config_kind_of(const config_setting_t *setting);
bool config_is_sequence(const config_setting_t *setting);
/* The text of a setting if it has min..max bytes of UTF-8 without control characters, else NULL. */
const char *config_take_text(struct config_loading *loading, const config_setting_t *setting,
			     const char *option, size_t min, size_t max);
/* Is it a list with an allowed number of elements? */
bool config_check_list(struct config_loading *loading, const config_setting_t *setting,
		       const struct option_row *row, const char *option, const char *of_what);
/* The checks of single texts that the rows of the table name. */
option_check config_check_reader_name;
option_check config_check_listen;
option_check config_check_checkpoint;
option_check config_check_url;
option_check config_check_host;

/* config_filter.c */
option_check config_check_account;
option_check config_check_queue;
/* The name of an operation, if it is one that somebody can sign, else a mistake and NULL. */
const char *config_take_operation(struct config_loading *loading, const config_setting_t *setting,
				  const char *option);
void config_load_filter(struct config_loading *loading, const config_setting_t *setting,
			const struct option_row *row);

/* config_accounts.c */
void config_load_accounts(struct config_loading *loading, const config_setting_t *setting,
			  const struct option_row *row);
void config_release_accounts(struct config *config);

#endif
