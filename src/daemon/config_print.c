/* SPDX-License-Identifier: MIT */
#include "daemon/config_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/config_check.h"
#include "daemon/config_impl.h"
#include "steem/accounts.h"

static void print_text(FILE *out, const char *text)
{
	const char *end = strchr(text, '\0');

	fputc('"', out);
	while (text < end) {
		const char *from = text;
		uint32_t code = text_next(&text, end);

		if (code == '"' || code == '\\')
			fprintf(out, "\\%c", (int)code);
		else if (text_is_clean(code))
			fwrite(from, 1, (size_t)(text - from), out);
		else
			for (; from < text; from++)
				fprintf(out, "\\x%02x", (unsigned char)*from);
	}
	fputc('"', out);
}

static void print_texts(FILE *out, char *const *texts, size_t count)
{
	fputs("(", out);
	for (size_t i = 0; i < count; i++) {
		fputs(i > 0 ? ", " : " ", out);
		print_text(out, texts[i]);
	}
	fputs(" )", out);
}

static void print_nodes(FILE *out, const struct config *config)
{
	fputs("(\n", out);
	for (size_t i = 0; i < config->nodes.count; i++) {
		char *shown = config_url_shown(config->nodes.urls[i]);

		fputs("    { url = ", out);
		print_text(out, shown);
		free(shown);
		fputs(i + 1 < config->nodes.count ? "; },\n" : "; }\n", out);
	}
	fputs(")", out);
}

/* The name as in the file: with "unknown:" if it is not known. */
static char *mark_operation(const char *name)
{
	bool is_known = accounts_kind(name, strlen(name)) != ACCOUNTS_KIND_UNKNOWN;

	return xasprintf("%s%s", is_known ? "" : CONFIG_UNKNOWN_OPERATION, name);
}

static void print_operations(FILE *out, const struct filter_rule *rule)
{
	fputs(rule->operation_count > 1 ? "( " : "", out);
	for (size_t i = 0; i < rule->operation_count; i++) {
		char *marked = mark_operation(rule->operations[i]);

		fputs(i > 0 ? ", " : "", out);
		print_text(out, marked);
		free(marked);
	}
	fputs(rule->operation_count > 1 ? " )" : "", out);
}

static void print_rule(FILE *out, const struct filter_rule *rule)
{
	fputs("    {", out);
	for (size_t i = 0; i < filter_row_count; i++) {
		const struct filter_row *row = &filter_rows[i];
		const char *text = NULL;

		if (row->offset != SIZE_MAX)
			memcpy(&text, (const char *)rule + row->offset, sizeof(text));
		if (text == NULL && (row->offset != SIZE_MAX || rule->operation_count == 0))
			continue;
		fprintf(out, " %s = ", row->name);
		if (text != NULL)
			print_text(out, text);
		else
			print_operations(out, rule);
		fputc(';', out);
	}
	fputs(" }", out);
}

static void print_filter(FILE *out, const struct filter *filter)
{
	if (filter->rule_count == 0) {
		fputs("( )", out);
		return;
	}
	fputs("(\n", out);
	for (size_t i = 0; i < filter->rule_count; i++) {
		print_rule(out, &filter->rules[i]);
		fputs(i + 1 < filter->rule_count ? ",\n" : "\n", out);
	}
	fputs(")", out);
}

static void print_list(FILE *out, const char *name, char *const *texts, size_t count)
{
	if (count == 0)
		return;
	fprintf(out, " %s = ", name);
	print_texts(out, texts, count);
	fputc(';', out);
}

static void print_amounts(FILE *out, const struct config *config,
			  const struct config_account *account)
{
	const struct chain *chain = chain_of(config->poster.chain);
	const char *before = "";
	bool is_none = true;

	for (size_t i = 0; i < CONFIG_CURRENCIES; i++)
		is_none &= account->max_amounts[i] == 0;
	fputs(" max_amount_per_day = (", out);
	for (size_t i = 0; i < CONFIG_CURRENCIES; i++) {
		uint64_t unit = 1;

		for (unsigned k = 0; k < chain->symbols[i].decimals; k++)
			unit *= 10;
		if (account->max_amounts[i] == 0 && !(is_none && i == 0))
			continue;
		fprintf(out, "%s \"%llu.%0*llu %s\"", before,
			(unsigned long long)(account->max_amounts[i] / unit),
			chain->symbols[i].decimals,
			(unsigned long long)(account->max_amounts[i] % unit),
			chain->symbols[i].text);
		before = ",";
	}
	fputs(" );", out);
}

static void print_signer(FILE *out, const struct config_account *account)
{
	if (!account->is_command) {
		fputs(" key_file = ", out);
		print_text(out, account->key_file);
		fputc(';', out);
		return;
	}
	fputs(" signer = \"command\";", out);
	print_list(out, "command", account->command, account->command_count);
	fputs(" public_key = ", out);
	print_text(out, account->public_key);
	fprintf(out, "; timeout_s = %u;", account->timeout_s);
}

static void print_account(FILE *out, const struct config *config,
			  const struct config_account *account)
{
	fputs("    { name = ", out);
	print_text(out, account->name);
	fprintf(out, "; authority = \"%s\";", account->is_active ? "active" : "posting");
	print_signer(out, account);
	print_list(out, "allow", account->allow, account->allow_count);
	if (account->max_per_day > 0)
		fprintf(out, " max_per_day = %u;", account->max_per_day);
	if (account->has_amounts)
		print_amounts(out, config, account);
	print_list(out, "only_to", account->only_to, account->only_to_count);
	fputs(" }", out);
}

static void print_accounts(FILE *out, const struct config *config)
{
	if (config->accounts.count == 0) {
		fputs("( )", out);
		return;
	}
	fputs("(\n", out);
	for (size_t i = 0; i < config->accounts.count; i++) {
		print_account(out, config, &config->accounts.items[i]);
		fputs(i + 1 < config->accounts.count ? ",\n" : "\n", out);
	}
	fputs(")", out);
}

static void print_value(FILE *out, const struct config *config, const struct option_row *row)
{
	const char *place = (const char *)config;
	const char *text;
	uint32_t number;
	int choice;
	bool is_set;

	switch (row->type) {
	case OPTION_TEXT:
		memcpy(&text, place + row->offset, sizeof(text));
		print_text(out, text != NULL ? text : "");
		break;
	case OPTION_UINT:
		memcpy(&number, place + row->offset, sizeof(number));
		fprintf(out, number > INT32_MAX ? "%uL" : "%u", number);
		break;
	case OPTION_BOOL:
		memcpy(&is_set, place + row->offset, sizeof(is_set));
		fputs(is_set ? "true" : "false", out);
		break;
	case OPTION_LEVEL:
		print_text(out, log_level_name(config->log_level));
		break;
	case OPTION_CHOICE:
		memcpy(&choice, place + row->offset, sizeof(choice));
		print_text(out, row->choices[choice]);
		break;
	case OPTION_NODES:
		print_nodes(out, config);
		break;
	case OPTION_HOSTS:
		print_texts(out, config->database.hosts, config->database.host_count);
		break;
	case OPTION_FILTER:
		print_filter(out, &config->filter);
		break;
	case OPTION_ACCOUNTS:
		print_accounts(out, config);
		break;
	}
}

/* Print the help as comment lines, followed by the allowed values. */
static void print_comment(FILE *out, const struct option_row *row, enum config_program program)
{
	const char *pad = row->group != NULL ? "    " : "";
	const char *line = row->help;

	while (line != NULL) {
		const char *end = strchrnul(line, '\n');

		fprintf(out, "%s# %.*s\n", pad, (int)(end - line), line);
		line = *end != '\0' ? end + 1 : NULL;
	}
	if (row->type == OPTION_UINT)
		fprintf(out, "%s# Allowed: %u to %u; default: %s.\n", pad, row->min, row->max,
			row->fallback);
	if (row->type == OPTION_BOOL)
		fprintf(out, "%s# Allowed: true, false; default: %s.\n", pad, row->fallback);
	if (row->type == OPTION_CHOICE) {
		fprintf(out, "%s# Allowed:", pad);
		for (size_t i = 0; row->choices[i] != NULL; i++)
			fprintf(out, "%s \"%s\"", i > 0 ? "," : "", row->choices[i]);
		fprintf(out, "; default: \"%s\".\n", row->fallback);
	}
	if (row->type == OPTION_FILTER) {
		for (size_t i = 0; i < filter_row_count; i++)
			fprintf(out, "#   %-13s  %s\n", filter_rows[i].name, filter_rows[i].help);
		fputs("# Example: filter = ( { name = \"ask\"; operation = \"comment\"; body_prefix = "
		      "\"!ask\"; } );\n",
		      out);
	}
	if (row->type == OPTION_ACCOUNTS) {
		for (size_t i = 0; i < account_row_count; i++)
			fprintf(out, "#   %-18s  %s\n", account_rows[i].name, account_rows[i].help);
		fputs("# Example: accounts = ( { name = \"ask\"; authority = \"posting\"; key_file = "
		      "\"/etc/steem-poster/ask.key\"; } );\n",
		      out);
	}
	if (row->is_reloadable && program == CONFIG_READER)
		fprintf(out, "%s# SIGHUP rereads it.\n", pad);
}

static void print_rows(const struct config *config, FILE *out)
{
	const char *group = NULL;

	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!config_row_is_for(row, config->program))
			continue;
		if (group != NULL && (row->group == NULL || strcmp(group, row->group) != 0))
			fputs("};\n", out);
		fputc('\n', out);
		if (row->group != NULL && (group == NULL || strcmp(group, row->group) != 0))
			fprintf(out, "%s = {\n", row->group);
		group = row->group;
		print_comment(out, row, config->program);
		fprintf(out, "%s%s = ", group != NULL ? "    " : "", row->name);
		print_value(out, config, row);
		fputs(";\n", out);
	}
	if (group != NULL)
		fputs("};\n", out);
}

void config_print(const struct config *config, FILE *out)
{
	fprintf(out, "# The effective configuration of %s.\n",
		config_program_name(config->program));
	if (config_has_secret(config))
		fputs("# *** in the URL of a node replaces the user and password, or the query.\n",
		      out);
	print_rows(config, out);
}

void config_print_sample(enum config_program program, FILE *out)
{
	const char *name = config_program_name(program);
	struct config config;

	config_set_defaults(&config, program);
	fprintf(out,
		"# Configuration of %s, see %s.conf(5).\n"
		"# Every option stands here with its default. Try a change with\n"
		"#   %s --check-config\n",
		name, name, name);
	print_rows(&config, out);
	config_release(&config);
}
