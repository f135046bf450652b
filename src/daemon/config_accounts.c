/* SPDX-License-Identifier: MIT */
/* The accounts of a poster's configuration file. */
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/config_impl.h"
#include "daemon/config_table.h"
#include "steem/chain.h"
#include "steem/codec/operations.h"

#define LIST_MAX   1000
#define WORD_BYTES 4096
#define TIMEOUT_S  5
/* A transaction lives a minute, and must be sent while it does. */
#define TIMEOUT_MAX_S 30

static void free_list(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void config_release_accounts(struct config *config)
{
	for (size_t i = 0; i < config->accounts.count; i++) {
		struct config_account *account = &config->accounts.items[i];

		free(account->name);
		free(account->key_file);
		free(account->public_key);
		free_list(account->command, account->command_count);
		free_list(account->allow, account->allow_count);
		free_list(account->only_to, account->only_to_count);
	}
	free(config->accounts.items);
}

/* Lists of texts: a single text is a list of one. */
static void load_list(struct config_loading *loading, const config_setting_t *setting,
		      const char *option,
		      const char *(*take)(struct config_loading *loading,
					  const config_setting_t *setting, const char *option),
		      char ***ret_texts, size_t *ret_count)
{
	bool is_list = config_is_sequence(setting);
	int count = is_list ? config_setting_length(setting) : 1;

	if (count == 0 || count > LIST_MAX) {
		config_mistake(loading, setting, option,
			       "has %d members; allowed are 1 to %d; leave it out for none", count,
			       LIST_MAX);
		return;
	}
	*ret_texts = xcalloc((size_t)count, sizeof(**ret_texts));
	for (int i = 0; i < count; i++) {
		const config_setting_t *member =
			is_list ? config_setting_get_elem(setting, (unsigned)i) : setting;
		const char *text = take(loading, member, option);

		if (text != NULL)
			(*ret_texts)[(*ret_count)++] = xstrdup(text);
	}
}

static const char *take_account(struct config_loading *loading, const config_setting_t *setting,
				const char *option)
{
	const char *name = config_take_text(loading, setting, option, 1, 16);

	return name != NULL && config_check_account(loading, setting, option, name) ? name : NULL;
}

/* The program must have a name; an argument may be empty. */
static const char *take_word(struct config_loading *loading, const config_setting_t *setting,
			     const char *option)
{
	return config_take_text(loading, setting, option, 0, WORD_BYTES);
}

/* Amounts. */

/* "10.000 STEEM" of this chain, with all its decimals. */
static bool parse_amount(const struct chain *chain, const char *text, size_t *ret_currency,
			 uint64_t *ret_amount)
{
	const char *at = text;
	size_t decimals = 0;
	uint64_t amount = 0;
	bool has_point = false;

	for (; (*at >= '0' && *at <= '9') || (*at == '.' && !has_point && at > text); at++) {
		if (*at == '.') {
			has_point = true;
			continue;
		}
		if (amount > (UINT64_C(1) << 62) / 10)
			return false;
		amount = amount * 10 + (uint64_t)(*at - '0');
		decimals += has_point;
	}
	if (at == text || *at++ != ' ')
		return false;
	for (size_t i = 0; i < CONFIG_CURRENCIES && i < chain->symbol_count; i++) {
		if (strcmp(chain->symbols[i].text, at) != 0)
			continue;
		*ret_currency = i;
		*ret_amount = amount;
		return decimals == chain->symbols[i].decimals;
	}
	return false;
}

static const char *take_text(struct config_loading *loading, const config_setting_t *setting,
			     const char *option)
{
	return config_take_text(loading, setting, option, 1, 40);
}

static void load_amounts(struct config_loading *loading, const config_setting_t *setting,
			 const char *option, struct config_account *account)
{
	const struct chain *chain = chain_of(loading->config->poster.chain);
	char **texts = NULL;
	size_t count = 0;
	size_t currency = 0;
	uint64_t amount = 0;

	load_list(loading, setting, option, take_text, &texts, &count);
	account->has_amounts = true;
	for (size_t i = 0; i < count; i++) {
		if (parse_amount(chain, texts[i], &currency, &amount))
			account->max_amounts[currency] = amount;
		else
			config_mistake(
				loading, setting, option,
				"is \"%s\"; allowed are amounts as the chain writes them, such as \"10.000 %s\"",
				texts[i], chain->symbols[0].text);
	}
	free_list(texts, count);
}

/* Members. */

static void load_text(struct config_loading *loading, const config_setting_t *setting,
		      const char *option, size_t max, char **text)
{
	const char *found = config_take_text(loading, setting, option, 1, max);

	free(*text);
	*text = found != NULL ? xstrdup(found) : NULL;
}

static void load_authority(struct config_loading *loading, const config_setting_t *setting,
			   const char *option, struct config_account *account)
{
	const char *text = config_setting_get_string(setting);

	account->is_active = text != NULL && strcmp(text, "active") == 0;
	if (text == NULL || (!account->is_active && strcmp(text, "posting") != 0))
		config_mistake(
			loading, setting, option,
			"is %s; allowed are \"posting\" and \"active\": no owner key belongs on this host",
			text != NULL ? text : config_kind_of(setting));
}

static void load_signer(struct config_loading *loading, const config_setting_t *setting,
			const char *option, struct config_account *account)
{
	const char *text = config_setting_get_string(setting);

	account->is_command = text != NULL && strcmp(text, "command") == 0;
	if (text == NULL || (!account->is_command && strcmp(text, "file") != 0))
		config_mistake(loading, setting, option,
			       "is %s; allowed are \"file\" and \"command\"",
			       text != NULL ? text : config_kind_of(setting));
}

static void load_count(struct config_loading *loading, const config_setting_t *setting,
		       const char *option, unsigned max, unsigned *ret_count)
{
	long long value = config_setting_get_int64(setting);

	if (config_setting_type(setting) == CONFIG_TYPE_INT)
		value = config_setting_get_int(setting);
	if ((config_setting_type(setting) != CONFIG_TYPE_INT &&
	     config_setting_type(setting) != CONFIG_TYPE_INT64) ||
	    value < 1 || value > max)
		config_mistake(loading, setting, option,
			       "is not allowed; allowed is a whole number from 1 to %u", max);
	else
		*ret_count = (unsigned)value;
}

static void load_member(struct config_loading *loading, const config_setting_t *member,
			struct config_account *account)
{
	const char *name = config_setting_name(member);
	char option[64];

	snprintf(option, sizeof(option), "accounts.%.40s", name);
	if (strcmp(name, "name") == 0) {
		if (take_account(loading, member, option) != NULL)
			load_text(loading, member, option, 16, &account->name);
	} else if (strcmp(name, "authority") == 0) {
		load_authority(loading, member, option, account);
	} else if (strcmp(name, "key_file") == 0) {
		load_text(loading, member, option, 4096, &account->key_file);
	} else if (strcmp(name, "signer") == 0) {
		load_signer(loading, member, option, account);
	} else if (strcmp(name, "command") == 0) {
		load_list(loading, member, option, take_word, &account->command,
			  &account->command_count);
	} else if (strcmp(name, "public_key") == 0) {
		load_text(loading, member, option, 64, &account->public_key);
	} else if (strcmp(name, "timeout_s") == 0) {
		load_count(loading, member, option, TIMEOUT_MAX_S, &account->timeout_s);
	} else if (strcmp(name, "allow") == 0) {
		load_list(loading, member, option, config_take_operation, &account->allow,
			  &account->allow_count);
	} else if (strcmp(name, "max_per_day") == 0) {
		load_count(loading, member, option, INT32_MAX, &account->max_per_day);
	} else if (strcmp(name, "max_amount_per_day") == 0) {
		load_amounts(loading, member, option, account);
	} else if (strcmp(name, "only_to") == 0) {
		load_list(loading, member, option, take_account, &account->only_to,
			  &account->only_to_count);
	} else {
		config_mistake(
			loading, member, option,
			"is unknown; an account may have name, authority, key_file, signer, command, "
			"public_key, timeout_s, allow, max_per_day, max_amount_per_day and only_to");
	}
}

static void require(struct config_loading *loading, const config_setting_t *group, const char *name)
{
	char option[64];

	if (config_setting_get_member(group, name) != NULL)
		return;
	snprintf(option, sizeof(option), "accounts.%s", name);
	config_mistake(loading, group, option, "is missing; each account has one");
}

/* A key is in a file, or a command has it. */
static void check_signer(struct config_loading *loading, const config_setting_t *group,
			 const struct config_account *account)
{
	static const char *const of_commands[] = {"command", "public_key", "timeout_s"};

	for (size_t i = 0; i < sizeof(of_commands) / sizeof(of_commands[0]); i++) {
		const config_setting_t *member = config_setting_get_member(group, of_commands[i]);
		char option[64];

		snprintf(option, sizeof(option), "accounts.%s", of_commands[i]);
		if (!account->is_command && member != NULL)
			config_mistake(
				loading, member, option,
				"is of use only with signer = \"command\"; add that, or take "
				"this out");
		else if (account->is_command && member == NULL && i < 2)
			config_mistake(
				loading, group, option,
				"is missing; signer = \"command\" needs the command, and the "
				"public_key that it signs with");
	}
	if (!account->is_command)
		require(loading, group, "key_file");
	else if (config_setting_get_member(group, "key_file") != NULL)
		config_mistake(
			loading, config_setting_get_member(group, "key_file"), "accounts.key_file",
			"does not go with signer = \"command\", whose key lives elsewhere; take "
			"one of them out");
}

/* An operation that the entry's key can never sign would only be held. */
static void check_allowed(struct config_loading *loading, const config_setting_t *group,
			  const struct config_account *account)
{
	static const char *const names[] = {
		[CODEC_POSTING] = "the posting",
		[CODEC_ACTIVE] = "the active",
		[CODEC_OWNER] = "the owner",
	};
	const struct codec_table *table = chain_of(loading->config->poster.chain)->operations;

	for (size_t i = 0; i < account->allow_count; i++) {
		const char *name = account->allow[i];
		const struct codec_operation *row = operations_find(table, name, strlen(name));
		enum codec_authority least = operations_authority(row);

		if (row->is_closed || least == CODEC_NO_AUTHORITY)
			config_mistake(loading, group, "accounts.allow",
				       "has %s, which no account can send", name);
		else if (least > (account->is_active ? CODEC_ACTIVE : CODEC_POSTING))
			config_mistake(
				loading, group, "accounts.allow",
				"has %s, which needs %s authority; the key of this entry has %s",
				name, names[least],
				names[account->is_active ? CODEC_ACTIVE : CODEC_POSTING]);
	}
}

static void load_account(struct config_loading *loading, const config_setting_t *group,
			 struct config_account *account)
{
	account->line = (unsigned)config_setting_source_line(group);
	account->timeout_s = TIMEOUT_S;
	if (!config_setting_is_group(group)) {
		config_mistake(loading, group, "accounts", "is %s; an account is a group { ... }",
			       config_kind_of(group));
		return;
	}
	require(loading, group, "name");
	require(loading, group, "authority");
	for (int i = 0; i < config_setting_length(group); i++)
		load_member(loading, config_setting_get_elem(group, (unsigned)i), account);
	check_signer(loading, group, account);
	check_allowed(loading, group, account);
	if (account->is_active && config_setting_get_member(group, "allow") == NULL)
		config_mistake(
			loading, group, "accounts.allow",
			"is missing; an active key can move money, so its entry lists the operations "
			"that it may sign");
}

static void check_twice(struct config_loading *loading, const config_setting_t *group,
			const struct config_account *accounts, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (accounts[i].name != NULL && accounts[k].name != NULL &&
		    strcmp(accounts[i].name, accounts[k].name) == 0 &&
		    accounts[i].is_active == accounts[k].is_active)
			config_mistake(loading, group, "accounts",
				       "%s has two entries with the authority %s", accounts[i].name,
				       accounts[i].is_active ? "active" : "posting");
}

void config_load_accounts(struct config_loading *loading, const config_setting_t *setting,
			  const struct option_row *row)
{
	struct config *config = loading->config;
	size_t count;

	if (!config_check_list(loading, setting, row, row->name, "groups { name = \"...\"; ... }"))
		return;
	count = (size_t)config_setting_length(setting);
	config->accounts.items = xcalloc(count, sizeof(*config->accounts.items));
	config->accounts.count = count;
	for (size_t i = 0; i < count; i++) {
		const config_setting_t *group = config_setting_get_elem(setting, (unsigned)i);

		load_account(loading, group, &config->accounts.items[i]);
		check_twice(loading, group, config->accounts.items, i);
	}
}
