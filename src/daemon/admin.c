/* SPDX-License-Identifier: MIT */
#include "daemon/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"
#include "daemon/config.h"
#include "daemon/config_check.h"
#include "daemon/failure.h"
#include "store/filter_rows.h"
#include "store/gaps.h"
#include "store/ledger.h"
#include "store/reader_rows.h"
#include "store/schema.h"
#include "store/wanted_ranges.h"
#include "sync/filter.h"
#include "sync/plan.h"

void admin_print_json_text(const char *text)
{
	const char *end = text ? strchr(text, '\0') : NULL;

	if (!text) {
		printf("null");
		return;
	}
	putchar('"');
	while (text < end) {
		const char *from = text;
		uint32_t code = text_next(&text, end);

		if (code == '"' || code == '\\')
			printf("\\%c", (int)code);
		else if (code == TEXT_INVALID)
			printf("\\ufffd");
		else if (!text_is_clean(code) && code <= 0xffff)
			printf("\\u%04x", code);
		else if (!text_is_clean(code))
			printf("\\u%04x\\u%04x", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
		else
			fwrite(from, 1, (size_t)(text - from), stdout);
	}
	putchar('"');
}

void admin_print_text(const char *text, unsigned width)
{
	const char *end = strchr(text, '\0');
	unsigned printed = 0;

	for (; text < end; printed++) {
		const char *from = text;
		char clean[5];

		(void)text_next(&text, end);
		text_clean(clean, sizeof(clean), from, (size_t)(text - from));
		fputs(clean, stdout);
	}
	for (; printed < width; printed++)
		putchar(' ');
}

enum exit_code admin_with_database(const struct options *options, const struct config *config,
				   int (*command)(const struct options *options,
						  const struct config *config, struct db *db,
						  enum exit_code *code, struct error *err))
{
	struct db *db = db_new(&config->database);
	struct error err = ERROR_INIT;
	enum exit_code code = EXIT_OK;

	if (db_connect(db, &err) < 0 || schema_check(db, &err) < 0 ||
	    command(options, config, db, &code, &err) < 0)
		code = failure_report("failed", &err);
	db_free(db);
	return code;
}

/* --gaps */

struct gap_report {
	bool is_json;
	struct range hole; /* found, but it may continue; first 0: none */
	uint64_t hole_count;
	uint64_t missing_count;
};

static void print_hole(struct gap_report *report)
{
	uint64_t missing = (uint64_t)report->hole.last - report->hole.first + 1;

	if (report->hole.first == 0)
		return;
	if (report->is_json)
		printf("%s{\"first_block\":%u,\"last_block\":%u,\"missing\":%llu}",
		       report->hole_count > 0 ? "," : "", report->hole.first, report->hole.last,
		       (unsigned long long)missing);
	else
		printf("%u-%u  %llu\n", report->hole.first, report->hole.last,
		       (unsigned long long)missing);
	report->hole_count++;
	report->missing_count += missing;
	report->hole.first = 0;
}

static void add_holes(struct gap_report *report, const struct range_set *holes)
{
	for (size_t i = 0; i < holes->count; i++) {
		if (report->hole.first > 0 && report->hole.last + 1 == holes->items[i].first) {
			report->hole.last = holes->items[i].last;
			continue;
		}
		print_hole(report);
		report->hole = holes->items[i];
	}
}

static int scan_range(const struct options *options, struct db *db, const struct range *range,
		      struct gap_report *report, struct error *err)
{
	CLEANUP(range_set_release) struct range_set holes = RANGE_SET_INIT;
	uint32_t first = range->first;
	uint32_t scanned_to = 0;

	do {
		range_set_clear(&holes);
		if (gaps_scan_step(db, first, range->last, &holes, &scanned_to, err) < 0)
			return -1;
		if (!options->dry_run && gaps_record(db, first, scanned_to, &holes, true, err) < 0)
			return -1;
		add_holes(report, &holes);
		first = scanned_to + 1;
	} while (scanned_to < range->last);
	return 0;
}

/*
 * All wanted blocks, up to the highest one that is stored or that a reader has seen
 * irreversible.
 */
static int find_scan_ranges(struct db *db, struct range_set *ret_ranges, struct error *err)
{
	struct wanted_ranges ranges = {.has_open = false};
	struct stored_block newest = {.num = 0};
	uint32_t last = 0;
	bool is_found;
	int result = -1;

	if (wanted_ranges_load(db, &ranges, err) == 0 &&
	    reader_rows_irreversible(db, &last, err) == 0 &&
	    ledger_newest(db, UINT32_MAX, &newest, &is_found, err) == 0) {
		plan_scan_all(&ranges, max_u32(newest.num, last), ret_ranges);
		result = 0;
	}
	wanted_ranges_release(&ranges);
	return result;
}

static int print_gaps(const struct options *options, const struct config *config, struct db *db,
		      enum exit_code *code, struct error *err)
{
	CLEANUP(range_set_release) struct range_set ranges = RANGE_SET_INIT;
	struct gap_report report = {.is_json = options->json};

	(void)config;
	if (find_scan_ranges(db, &ranges, err) < 0)
		return -1;
	if (report.is_json)
		printf("{\"gaps\":[");
	for (size_t i = 0; i < ranges.count; i++)
		if (scan_range(options, db, &ranges.items[i], &report, err) < 0)
			return -1;
	print_hole(&report);
	if (report.is_json)
		printf("],\"missing\":%llu}\n", (unsigned long long)report.missing_count);
	else if (report.missing_count == 0)
		printf("nothing is missing\n");
	else
		printf("missing: %llu blocks in %llu gaps\n",
		       (unsigned long long)report.missing_count,
		       (unsigned long long)report.hole_count);
	if (options->check && report.missing_count > 0)
		*code = EXIT_GAPS_FOUND;
	return 0;
}

enum exit_code admin_gaps(const struct options *options, const struct config *config)
{
	return admin_with_database(options, config, print_gaps);
}

/* --migrate */

static void print_made(void *context, bool is_migration, const char *what)
{
	const bool *is_dry_run = context;

	if (*is_dry_run)
		printf("would %s %s\n", is_migration ? "apply" : "make", what);
	else
		printf("%s %s\n", is_migration ? "applied" : "made", what);
}

static int migrate(const struct options *options, struct db *db, struct error *err)
{
	bool is_dry_run = options->dry_run;
	struct schema_report report = {.made = print_made, .context = &is_dry_run};
	unsigned have = 0;
	unsigned need = 0;

	if ((is_dry_run ? schema_plan(db, &report, err) : schema_migrate(db, &report, err)) < 0 ||
	    schema_versions(db, &have, &need, err) < 0)
		return -1;
	if (is_dry_run)
		printf("schema version %u, this program needs %u; nothing was written\n", have,
		       need);
	else
		printf("schema version %u\n", have);
	return 0;
}

int admin_database(const struct options *options, const struct config *config,
		   struct db_config *ret_database, char **ret_user)
{
	char *password = getenv("STEEM_READER_PASSWORD");
	const char *fault = password ? config_password_fault(password) : NULL;

	if (fault) {
		log_error("failed", "STEEM_READER_PASSWORD %s", fault);
		return -1;
	}
	*ret_database = config->database;
	if (options->admin_user) {
		*ret_user = xstrdup(options->admin_user);
		ret_database->user = *ret_user;
	}
	if (options->admin_user || password) {
		ret_database->password = password;
		ret_database->read_password = NULL;
	}
	return 0;
}

enum exit_code admin_migrate(const struct options *options, const struct config *config)
{
	CLEANUP(mem_free_pointer) char *user = NULL;
	struct db_config admin;
	struct error err = ERROR_INIT;
	enum exit_code code = EXIT_OK;
	struct db *db;

	if (admin_database(options, config, &admin, &user) < 0)
		return EXIT_USAGE_ERROR;
	db = db_new(&admin);
	if (migrate(options, db, &err) < 0)
		code = failure_report("migrate_failed", &err);
	db_free(db);
	return code;
}

/* --activate-filter */

static int activate_filter(const struct options *options, const struct config *config,
			   struct db *db, enum exit_code *code, struct error *err)
{
	CLEANUP(mem_free_pointer) char *text = filter_normalise(&config->filter);
	const char *shown = text[0] ? text : "(no rules: every operation is stored)\n";
	bool is_changed;
	uint32_t id;

	(void)code;
	if (options->dry_run) {
		printf("would make these rules the active ones; nothing was written:\n%s", shown);
		return 0;
	}
	if (filter_rows_activate(db, text, &id, &is_changed, err) < 0 ||
	    filter_rows_make_queues(db, config->filter.queues, config->filter.queue_count, err) < 0)
		return -1;
	if (is_changed)
		printf("filter %u is active from now on; readers with other rules stop. Rules:\n%s",
		       id, shown);
	else
		printf("filter %u was active already. Rules:\n%s", id, shown);
	return 0;
}

enum exit_code admin_activate_filter(const struct options *options, const struct config *config)
{
	return admin_with_database(options, config, activate_filter);
}

/* --forget */

/*
 * Does the heartbeat change?  Only waiting can tell: after a jump of the clock a new one may
 * look old.
 */
static int watch_heartbeat(struct db *db, const char *name, const struct reader_pulse *first,
			   bool *ret_beats, struct error *err)
{
	*ret_beats = false;
	if (!first->is_found || first->is_stopped)
		return 0;
	log_info("watching", "reader %s has not stopped: is there a heartbeat within %d s?", name,
		 READERS_SILENCE_S);
	for (unsigned i = 0; i < READERS_SILENCE_S && !*ret_beats; i++) {
		struct reader_pulse pulse;

		sleep(1);
		if (reader_rows_pulse(db, name, &pulse, err) < 0)
			return -1;
		*ret_beats = pulse.is_found && pulse.heartbeat_us != first->heartbeat_us;
	}
	return 0;
}

static int forget(const struct options *options, const struct config *config, struct db *db,
		  enum exit_code *code, struct error *err)
{
	struct reader_pulse pulse;
	bool is_alive;

	(void)config;
	if (options->dry_run) {
		printf("would remove the row of reader %s; nothing was written\n",
		       options->forget_name);
		return 0;
	}
	if (reader_rows_pulse(db, options->forget_name, &pulse, err) < 0 ||
	    watch_heartbeat(db, options->forget_name, &pulse, &is_alive, err) < 0)
		return -1;
	if (pulse.is_found && !is_alive &&
	    reader_rows_forget(db, options->forget_name, pulse.heartbeat_us, &is_alive, err) < 0)
		return -1;
	if (is_alive) {
		log_error("failed", "reader %s is alive: stop it first", options->forget_name);
		*code = EXIT_USAGE_ERROR;
	} else if (!pulse.is_found) {
		log_error("failed", "there is no reader %s; --status lists them all",
			  options->forget_name);
		*code = EXIT_USAGE_ERROR;
	} else {
		printf("reader %s is forgotten\n", options->forget_name);
	}
	return 0;
}

enum exit_code admin_forget(const struct options *options, const struct config *config)
{
	return admin_with_database(options, config, forget);
}
