/* SPDX-License-Identifier: MIT */
#include "daemon/verify.h"

#include <stdio.h>

#include "base/log.h"
#include "daemon/admin.h"
#include "daemon/config.h"
#include "daemon/process.h"
#include "daemon/run.h"
#include "store/audit.h"
#include "sync/shared.h"
#include "sync/verify.h"

struct report {
	bool is_json;
	bool repair;
	uint64_t printed_count;
	uint64_t counts[AUDIT_KIND_COUNT]; /* blocks of each kind */
	/* A range of missing blocks that may continue; block 0: none. */
	struct audit_finding missing;
	bool is_mended;
	char reason[200];
};

static void print_finding(struct report *report, const struct audit_finding *finding,
			  bool is_mended, const char *reason)
{
	const char *kind = audit_kind_name(finding->kind);

	if (report->is_json) {
		printf("%s{\"first_block\":%u,\"last_block\":%u,\"kind\":\"%s\",\"detail\":",
		       report->printed_count > 0 ? "," : "", finding->block, finding->last_block,
		       kind);
		admin_print_json_text(finding->detail);
		printf(",\"mended\":%s,\"reason\":", is_mended ? "true" : "false");
		admin_print_json_text(reason);
		putchar('}');
	} else {
		printf("%-9s %u", kind, finding->block);
		if (finding->last_block > finding->block)
			printf("-%u", finding->last_block);
		if (finding->detail[0]) {
			printf("  ");
			admin_print_text(finding->detail, 0);
		}
		if (is_mended) {
			printf("; mended");
		} else if (reason[0]) {
			printf("; not mended: ");
			admin_print_text(reason, 0);
		}
		putchar('\n');
	}
	report->printed_count++;
	process_flush();
}

static void print_missing(struct report *report)
{
	if (report->missing.block > 0)
		print_finding(report, &report->missing, report->is_mended, report->reason);
	report->missing.block = 0;
}

/* Missing blocks are printed as ranges. */
static void take_finding(void *context, const struct audit_finding *finding, bool is_mended,
			 const char *reason)
{
	struct report *report = context;
	bool joins = finding->kind == AUDIT_MISSING && !finding->detail[0];

	report->counts[finding->kind] += (uint64_t)finding->last_block - finding->block + 1;
	if (joins && report->missing.block > 0 &&
	    report->missing.last_block + 1 == finding->block && report->is_mended == is_mended) {
		report->missing.last_block = finding->last_block;
		return;
	}
	print_missing(report);
	if (!joins) {
		print_finding(report, finding, is_mended, reason);
		return;
	}
	report->missing = *finding;
	report->is_mended = is_mended;
	snprintf(report->reason, sizeof(report->reason), "%s", reason);
}

static void begin_report(const struct report *report)
{
	if (report->is_json)
		printf("{\"findings\":[");
}

static void end_report(struct report *report, const struct verify_counts *counts)
{
	print_missing(report);
	if (report->is_json) {
		printf("],\"compared\":%llu,\"found\":%llu,\"mended\":%llu,\"unknown\":%llu}\n",
		       (unsigned long long)counts->compared, (unsigned long long)counts->found,
		       (unsigned long long)counts->mended, (unsigned long long)counts->unknown);
		return;
	}
	printf("%llu blocks compared", (unsigned long long)counts->compared);
	for (int kind = AUDIT_MISSING; kind < AUDIT_KIND_COUNT; kind++)
		printf(", %llu %s", (unsigned long long)report->counts[kind],
		       audit_kind_name((enum audit_kind)kind));
	if (report->repair)
		printf("; %llu mended", (unsigned long long)counts->mended);
	if (counts->unknown > 0)
		printf("; %llu could not be compared", (unsigned long long)counts->unknown);
	putchar('\n');
}

/* --offline */

static void take_offline(void *context, const struct audit_finding *finding)
{
	take_finding(context, finding, false, "");
}

static int verify_offline(const struct options *options, const struct config *config, struct db *db,
			  enum exit_code *code, struct error *err)
{
	struct report report = {.is_json = options->json};
	struct verify_counts counts = {.compared = range_count_blocks(&options->verify)};

	(void)config;
	begin_report(&report);
	for (size_t i = 0; i < options->verify.count; i++) {
		const struct range *range = &options->verify.items[i];

		if (audit_offline(db, range->first, range->last, take_offline, &report, err) < 0)
			return -1;
	}
	for (int kind = AUDIT_MISSING; kind < AUDIT_KIND_COUNT; kind++)
		counts.found += report.counts[kind];
	end_report(&report, &counts);
	if (counts.found > 0)
		*code = EXIT_DATA_ERROR;
	return 0;
}

enum exit_code verify_run(const struct options *options, const struct config *config)
{
	struct report report = {.is_json = options->json,
				.repair = options->repair && !options->dry_run};
	struct reader_verify verify = {
		.ranges = &options->verify,
		.deep = options->deep,
		.repair = report.repair,
		.found = take_finding,
		.context = &report,
	};
	struct verify_counts counts = {.compared = 0};
	enum exit_code code;

	if (options->offline)
		return admin_with_database(options, config, verify_offline);
	begin_report(&report);
	code = run_reader(options, config, &verify, &counts);
	end_report(&report, &counts);
	return code;
}
