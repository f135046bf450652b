/* SPDX-License-Identifier: MIT */
#include "daemon/config.h"

#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config_check.h"
#include "daemon/config_impl.h"
#include "daemon/config_table.h"
#include "daemon/metrics_http.h"
#include "daemon/process.h"
#include "steem/block.h"
#include "store/db_error.h"
#include "store/reader_rows.h"

void config_mistake(struct config_loading *loading, const config_setting_t *at, const char *option,
		    const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	text_vformat(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(loading->mistakes, "%s:%u: %s: %s\n", loading->path,
		at != NULL ? (unsigned)config_setting_source_line(at) : 1, option, text);
	loading->mistake_count++;
}

const char *config_program_name(enum config_program program)
{
	return program == CONFIG_POSTER ? "steem-poster" : "steem-reader";
}

const char *config_kind_of(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a whole number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_GROUP:
		return "a group { ... }";
	default:
		return "a list ( ... )";
	}
}

bool config_is_sequence(const config_setting_t *setting)
{
	return config_setting_is_list(setting) || config_setting_is_array(setting);
}

/* The text of a setting if it has min..max bytes of UTF-8 without control characters, else NULL. */
const char *config_take_text(struct config_loading *loading, const config_setting_t *setting,
			     const char *option, size_t min, size_t max)
{
	const char *text = config_setting_get_string(setting);
	size_t len;

	if (text == NULL) {
		config_mistake(loading, setting, option, "is %s; allowed is a text in quotes",
			       config_kind_of(setting));
		return NULL;
	}
	len = strlen(text);
	if (len < min || len > max) {
		config_mistake(loading, setting, option, "has %zu bytes; allowed are %zu to %zu",
			       len, min, max);
		return NULL;
	}
	if (text_valid_length(text, len) < len) {
		config_mistake(
			loading, setting, option,
			"is no UTF-8 from its byte %zu on, but texts on the chain are UTF-8; "
			"save the file as UTF-8",
			text_valid_length(text, len) + 1);
		return NULL;
	}
	for (const char *at = text; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 && *at != '\n' && *at != '\t') {
			config_mistake(loading, setting, option, "holds a control character");
			return NULL;
		}
	}
	return text;
}

static void load_uint(struct config_loading *loading, const config_setting_t *setting,
		      const struct option_row *row, const char *option)
{
	int type = config_setting_type(setting);
	long long value = config_setting_get_int64(setting);
	uint32_t number;

	if (type == CONFIG_TYPE_INT)
		value = config_setting_get_int(setting);
	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
		config_mistake(loading, setting, option,
			       "is %s; allowed is a whole number from %u to %u",
			       config_kind_of(setting), row->min, row->max);
		return;
	}
	if (value < row->min || value > row->max) {
		config_mistake(loading, setting, option, "is %lld; allowed is %u to %u", value,
			       row->min, row->max);
		return;
	}
	number = (uint32_t)value;
	memcpy((char *)loading->config + row->offset, &number, sizeof(number));
}

#define READER_NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

bool config_check_reader_name(struct config_loading *loading, const config_setting_t *at,
			      const char *option, const char *text)
{
	if (text[strspn(text, READER_NAME_CHARACTERS)] == '\0')
		return true;
	config_mistake(loading, at, option,
		       "is \"%s\"; allowed are letters, digits, '.', '_' and '-'", text);
	return false;
}

bool config_check_listen(struct config_loading *loading, const config_setting_t *at,
			 const char *option, const char *text)
{
	struct metrics_http_address address;

	if (text[0] == '\0' || metrics_http_parse(text, &address))
		return true;
	config_mistake(loading, at, option,
		       "is \"%s\"; allowed is \"ADDRESS:PORT\" such as \"127.0.0.1:9753\" or "
		       "\"[::1]:9753\"",
		       text);
	return false;
}

/* "NUMBER:ID" */
static bool parse_checkpoint(const char *text, struct block_name *ret)
{
	char *end;
	unsigned long num;

	if (text[0] < '1' || text[0] > '9')
		return false;
	errno = 0;
	num = strtoul(text, &end, 10);
	if (errno != 0 || num > UINT32_MAX || *end != ':' ||
	    !block_id_parse(end + 1, strlen(end + 1), ret->id) || block_id_num(ret->id) != num)
		return false;
	ret->num = (uint32_t)num;
	return true;
}

bool config_check_checkpoint(struct config_loading *loading, const config_setting_t *at,
			     const char *option, const char *text)
{
	struct block_name unused;

	if (text[0] == '\0' || strcmp(text, "none") == 0 || parse_checkpoint(text, &unused))
		return true;
	config_mistake(
		loading, at, option,
		"is \"%s\"; allowed is \"none\", or the number of a block, a colon and its id, whose first eight digits are that number in base 16",
		text);
	return false;
}

static void load_text(struct config_loading *loading, const config_setting_t *setting,
		      const struct option_row *row, const char *option)
{
	const char *text = config_take_text(loading, setting, option, row->min, row->max);
	char *old;
	char *fresh;

	if (text == NULL || (row->check != NULL && !row->check(loading, setting, option, text)))
		return;
	memcpy(&old, (char *)loading->config + row->offset, sizeof(old));
	free(old);
	fresh = xstrdup(text);
	memcpy((char *)loading->config + row->offset, &fresh, sizeof(fresh));
}

static void load_level(struct config_loading *loading, const config_setting_t *setting,
		       const char *option)
{
	const char *text = config_setting_get_string(setting);

	if (text == NULL || log_level_parse(text, &loading->config->log_level) != 0)
		config_mistake(loading, setting, option,
			       "is %s; allowed is \"error\", \"warning\", \"info\" or \"debug\"",
			       text != NULL ? text : config_kind_of(setting));
}

static void load_choice(struct config_loading *loading, const config_setting_t *setting,
			const struct option_row *row, const char *option)
{
	CLEANUP(buf_release) struct buf allowed = BUF_INIT(256);
	const char *text = config_setting_get_string(setting);

	for (int i = 0; row->choices[i] != NULL; i++) {
		if (text != NULL && strcmp(text, row->choices[i]) == 0) {
			memcpy((char *)loading->config + row->offset, &i, sizeof(i));
			return;
		}
		(void)buf_addf(&allowed, "%s\"%s\"", i > 0 ? ", " : "", row->choices[i]);
	}
	config_mistake(loading, setting, option, "is %s; allowed is one of %s",
		       text != NULL ? text : config_kind_of(setting), buf_text(&allowed));
}

static bool has_duplicate(char *const *urls, size_t count, const char *url)
{
	for (size_t i = 0; i < count; i++) {
		if (config_url_is_same(urls[i], url))
			return true;
	}
	return false;
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

/* Is it a list of min..max elements? */
bool config_check_list(struct config_loading *loading, const config_setting_t *setting,
		       const struct option_row *row, const char *option, const char *of_what)
{
	int count = config_is_sequence(setting) ? config_setting_length(setting) : -1;

	if (count >= (int)row->min && count <= (int)row->max)
		return true;
	if (count < 0)
		config_mistake(loading, setting, option, "is %s; allowed is a list of %s",
			       config_kind_of(setting), of_what);
	else
		config_mistake(loading, setting, option,
			       "has %d members; allowed is a list of %u to %u %s", count, row->min,
			       row->max, of_what);
	return false;
}

bool config_check_url(struct config_loading *loading, const config_setting_t *at,
		      const char *option, const char *text)
{
	const char *fault = config_url_fault(text);
	CLEANUP(mem_free_pointer) char *shown = config_url_shown(text);

	if (fault != NULL)
		config_mistake(loading, at, option, "is \"%s\", %s", shown, fault);
	return fault == NULL;
}

static void load_node(struct config_loading *loading, const config_setting_t *setting,
		      const struct option_row *row, const char *url)
{
	struct config *config = loading->config;
	CLEANUP(mem_free_pointer) char *shown = config_url_shown(url);

	if (!row->check(loading, setting, "nodes.url", url))
		return;
	if (has_duplicate(config->nodes.urls, config->nodes.count, url))
		config_mistake(loading, setting, "nodes.url", "\"%s\" is there twice", shown);
	else
		config->nodes.urls[config->nodes.count++] = xstrdup(url);
}

static void load_nodes(struct config_loading *loading, const config_setting_t *setting,
		       const struct option_row *row)
{
	struct config *config = loading->config;
	unsigned count;

	if (!config_check_list(loading, setting, row, row->name, "groups { url = \"...\"; }"))
		return;
	count = (unsigned)config_setting_length(setting);
	free_texts(config->nodes.urls, config->nodes.count);
	config->nodes.count = 0;
	config->nodes.urls = xcalloc(count, sizeof(*config->nodes.urls));
	for (unsigned i = 0; i < count; i++) {
		const config_setting_t *node = config_setting_get_elem(setting, i);
		const config_setting_t *member = NULL;
		const char *url;

		if (config_setting_is_group(node))
			member = config_setting_get_member(node, "url");
		if (member == NULL || config_setting_length(node) != 1) {
			config_mistake(loading, node, row->name,
				       "a node is a group { url = \"...\"; }");
			continue;
		}
		url = config_take_text(loading, member, "nodes.url", 1, 2000);
		if (url == NULL)
			continue;
		load_node(loading, member, row, url);
	}
}

bool config_check_host(struct config_loading *loading, const config_setting_t *at,
		       const char *option, const char *text)
{
	struct error err = ERROR_INIT;
	struct db_address address;

	if (db_parse_address(text, &address, &err) == 0)
		return true;
	config_mistake(loading, at, option, "%s", err.text);
	return false;
}

static void load_hosts(struct config_loading *loading, const config_setting_t *setting,
		       const struct option_row *row, const char *option)
{
	struct db_config *database = &loading->config->database;
	unsigned count;

	if (!config_check_list(loading, setting, row, option, "texts such as \"127.0.0.1:3306\""))
		return;
	count = (unsigned)config_setting_length(setting);
	free_texts(database->hosts, database->host_count);
	database->host_count = 0;
	database->hosts = xcalloc(count, sizeof(*database->hosts));
	for (unsigned i = 0; i < count; i++) {
		const config_setting_t *member = config_setting_get_elem(setting, i);
		const char *host = config_take_text(loading, member, option, 1, 255);

		if (host != NULL && row->check(loading, member, option, host))
			database->hosts[database->host_count++] = xstrdup(host);
	}
}

static void load_bool(struct config_loading *loading, const config_setting_t *setting,
		      const struct option_row *row, const char *option)
{
	bool is_set;

	if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
		config_mistake(loading, setting, option, "is %s; allowed are true and false",
			       config_kind_of(setting));
		return;
	}
	is_set = config_setting_get_bool(setting) != 0;
	memcpy((char *)loading->config + row->offset, &is_set, sizeof(is_set));
}

static void load_row(struct config_loading *loading, const config_setting_t *setting,
		     const struct option_row *row)
{
	char option[64];

	snprintf(option, sizeof(option), "%s%s%s", row->group != NULL ? row->group : "",
		 row->group != NULL ? "." : "", row->name);
	switch (row->type) {
	case OPTION_TEXT:
		load_text(loading, setting, row, option);
		break;
	case OPTION_UINT:
		load_uint(loading, setting, row, option);
		break;
	case OPTION_BOOL:
		load_bool(loading, setting, row, option);
		break;
	case OPTION_LEVEL:
		load_level(loading, setting, option);
		break;
	case OPTION_CHOICE:
		load_choice(loading, setting, row, option);
		break;
	case OPTION_NODES:
		load_nodes(loading, setting, row);
		break;
	case OPTION_HOSTS:
		load_hosts(loading, setting, row, option);
		break;
	case OPTION_FILTER:
		/*
		 * Which operations a rule may name depends on reader.virtual_operations, which
		 * may come later.
		 */
		loading->filter = setting;
		loading->filter_row = row;
		break;
	case OPTION_ACCOUNTS: /* which amounts there are depends on poster.chain */
		loading->accounts = setting;
		loading->accounts_row = row;
		break;
	}
}

static bool is_group_name(const char *name, enum config_program program)
{
	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].group != NULL && config_row_is_for(&option_rows[i], program) &&
		    strcmp(option_rows[i].group, name) == 0)
			return true;
	}
	return false;
}

static bool is_same_group(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Load all members of a group, or of the file if `name` is NULL. */
static void load_group(struct config_loading *loading, const config_setting_t *group,
		       const char *name)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
		const char *member_name = config_setting_name(member);
		size_t row = 0;

		while (row < option_row_count &&
		       (!config_row_is_for(&option_rows[row], loading->config->program) ||
			!is_same_group(option_rows[row].group, name) ||
			strcmp(option_rows[row].name, member_name) != 0))
			row++;
		if (row < option_row_count) {
			load_row(loading, member, &option_rows[row]);
		} else if (name == NULL && is_group_name(member_name, loading->config->program)) {
			if (config_setting_is_group(member))
				load_group(loading, member, member_name);
			else
				config_mistake(loading, member, member_name,
					       "is %s; allowed is a group { ... }",
					       config_kind_of(member));
		} else {
			config_mistake(loading, member, member_name,
				       "is unknown%s%s; %s.conf(5) lists what is allowed",
				       name != NULL ? " in " : "", name != NULL ? name : "",
				       config_program_name(loading->config->program));
		}
	}
}

static void check_tls(struct config_loading *loading, const config_t *file)
{
	const struct db_config *database = &loading->config->database;
	const config_setting_t *at = config_lookup(file, "database.tls_ca");
	struct stat status;

	if (database->tls_ca[0] == '\0')
		return;
	if (database->tls != DB_TLS_VERIFY)
		config_mistake(
			loading, at, "database.tls_ca",
			"is of use only with tls = \"verify\": otherwise no certificate is looked at");
	else if (access(database->tls_ca, R_OK) != 0 || stat(database->tls_ca, &status) != 0)
		config_mistake(loading, at, "database.tls_ca", "cannot read %s: %m",
			       database->tls_ca);
	else if (!S_ISREG(status.st_mode)) /* with a pipe, each connect would hang */
		config_mistake(loading, at, "database.tls_ca", "%s is not a file",
			       database->tls_ca);
}

/* The chain is known now. */
static void take_checkpoint(struct config *config)
{
	const char *text = config->reader.checkpoint;

	config->reader.pin = (struct block_name){.num = 0};
	if (text[0] == '\0')
		config->reader.pin = chain_of(config->reader.chain)->first;
	else if (strcmp(text, "none") != 0)
		(void)parse_checkpoint(text, &config->reader.pin);
}

/* Options that only a reader has. */
static void complete_reader(struct config_loading *loading)
{
	struct config *config = loading->config;

	if (loading->filter != NULL)
		config_load_filter(loading, loading->filter, loading->filter_row);
	if (config->reader.name[0] == '\0') {
		char host[READER_NAME_BYTES + 1] = "";

		if (!process_host_name(host, sizeof(host), READER_NAME_CHARACTERS))
			config_mistake(loading, NULL, "reader.name",
				       "is \"\", but this host has no name; give the reader one");
		free(config->reader.name);
		config->reader.name = xstrdup(host);
	}
	take_checkpoint(config);
}

/* Add values that are not in the file: the host's name, the password. */
static void complete(struct config_loading *loading, const config_t *file)
{
	struct config *config = loading->config;
	struct error err = ERROR_INIT;

	if (config->program == CONFIG_READER)
		complete_reader(loading);
	if (loading->accounts != NULL)
		config_load_accounts(loading, loading->accounts, loading->accounts_row);
	check_tls(loading, file);
	if (config->password_file[0] == '\0')
		return;
	config->database.read_password = config_read_password;
	config->database.password_path = config->password_file;
	if (config_read_password(config->password_file, &config->database.password, &err) != 0)
		config_mistake(loading, config_lookup(file, "database.password_file"),
			       "database.password_file", "%s", err.text);
}

/* libconfig says only "syntax error"; often the cause is a byte that an editor has inserted. */
static void tell_syntax(struct config_loading *loading, const config_t *file, const char *text)
{
	const char *foreign;
	unsigned line;
	size_t len;

	fprintf(loading->mistakes, "%s:%d: %s\n", loading->path, config_error_line(file),
		config_error_text(file));
	foreign = config_find_foreign(text, &line, &len);
	if (foreign != NULL && text_valid_length(text, strlen(text)) == strlen(text))
		fprintf(loading->mistakes,
			"%s:%u: the character %.*s outside of quotes is not allowed; quotes are "
			"\", spaces are plain ones\n",
			loading->path, line, (int)len, foreign);
	else if (foreign != NULL)
		fprintf(loading->mistakes,
			"%s:%u: a byte that is no UTF-8; save the file as UTF-8\n", loading->path,
			line);
	loading->mistake_count++;
}

bool config_has_secret(const struct config *config)
{
	for (size_t i = 0; i < config->nodes.count; i++) {
		CLEANUP(mem_free_pointer) char *shown = config_url_shown(config->nodes.urls[i]);

		if (strcmp(shown, config->nodes.urls[i]) != 0)
			return true;
	}
	return false;
}

int config_load(struct config *config, enum config_program program, const char *path,
		FILE *mistakes)
{
	struct config_loading loading = {.config = config, .path = path, .mistakes = mistakes};
	struct error err = ERROR_INIT;
	bool is_public = false;
	char *text = config_file_text(path, &is_public, &err);
	const char *fault = text != NULL ? config_bytes_fault(text, strlen(text)) : NULL;
	config_t file;

	config_set_defaults(config, program);
	if (text == NULL || fault != NULL) {
		if (fault != NULL)
			fprintf(mistakes, "%s:1: the file %s\n", path, fault);
		else
			fprintf(mistakes, "%s: %s\n", path, err.text);
		free(text);
		config_release(config);
		return -1;
	}
	config_init(&file);
	loading.mistake_count = config_scan_text(path, text, mistakes);
	if (config_read_string(&file, text) != CONFIG_TRUE) {
		tell_syntax(&loading, &file, text);
	} else {
		load_group(&loading, config_root_setting(&file), NULL);
		complete(&loading, &file);
	}
	config_destroy(&file);
	free(text);
	if (loading.mistake_count == 0) {
		if (is_public && config_has_secret(config))
			log_warning(
				"config_readable",
				"every user may read %s, and a URL of a node in it holds a password or a "
				"query; steem-reader.conf(5), nodes, says how to let only a group read it",
				path);
		return 0;
	}
	config_release(config);
	return -1;
}

int config_reload(struct config *config, enum config_program program, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *mistakes = open_memstream(&text, &size);
	char *rest = NULL;
	struct stat status;
	int result = -1;

	if (mistakes == NULL)
		return -1;
	/*
	 * A process that holds the pipe open would make us wait, and nothing else would be done
	 * meanwhile.
	 */
	if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode))
		fprintf(mistakes, "%s is a pipe, which can be read once\n", path);
	else
		result = config_load(config, program, path, mistakes);
	fclose(mistakes);
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		log_error("config_mistake", "%s", line);
	free(text);
	return result;
}
