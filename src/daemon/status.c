/* SPDX-License-Identifier: MIT */
#include "daemon/status.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "daemon/admin.h"
#include "store/queue_status.h"
#include "store/reader_rows.h"

/* Readers. */

struct status_report {
	bool is_json;
	unsigned count;
};

static void print_json_member(const char *key, const char *text)
{
	printf("\"%s\":", key);
	admin_print_json_text(text);
}

static void print_json_row(const struct status_report *report, const struct reader_status_row *row)
{
	printf("%s{", report->count > 0 ? "," : "");
	print_json_member("name", row->name);
	putchar(',');
	print_json_member("state", row->state);
	printf(",\"alive\":%s,\"last_block\":%u,\"irreversible_block\":%u,",
	       row->is_alive ? "true" : "false", row->last_block, row->irreversible_block);
	if (row->has_lag_s)
		printf("\"lag_blocks\":%llu,\"lag_s\":%.3f,", (unsigned long long)row->lag_blocks,
		       row->lag_s);
	else
		printf("\"lag_blocks\":null,\"lag_s\":null,");
	if (row->heartbeat_age_s >= 0)
		printf("\"heartbeat_age_s\":%.3f,", row->heartbeat_age_s);
	else
		printf("\"heartbeat_age_s\":null,");
	print_json_member("node", row->node);
	putchar('}');
}

static void print_status_row(void *context, const struct reader_status_row *row)
{
	struct status_report *report = context;

	if (report->is_json) {
		print_json_row(report, row);
	} else {
		char age[32] = "-";

		if (report->count == 0)
			printf("%-24s %-12s %-5s %12s %12s %8s %8s %9s  %s\n", "name", "state",
			       "alive", "last block", "irreversible", "lag", "lag s", "heartbeat",
			       "node");
		if (row->heartbeat_age_s >= 0)
			snprintf(age, sizeof(age), "%.1f s", row->heartbeat_age_s);
		admin_print_text(row->name, 24);
		putchar(' ');
		admin_print_text(row->state, 12);
		printf(" %-5s %12u %12u %8llu %8.0f %9s  ", row->is_alive ? "yes" : "no",
		       row->last_block, row->irreversible_block,
		       (unsigned long long)row->lag_blocks, row->has_lag_s ? row->lag_s : 0.0, age);
		admin_print_text(row->node ? row->node : "-", 0);
		putchar('\n');
	}
	report->count++;
}

static int print_readers(struct db *db, bool is_json, struct error *err)
{
	struct status_report report = {.is_json = is_json};

	if (is_json)
		putchar('[');
	if (reader_rows_list(db, print_status_row, &report, err) < 0)
		return -1;
	if (is_json)
		printf("]\n");
	else if (report.count == 0)
		printf("no reader has used this database yet\n");
	return 0;
}

/* Queues and outbox. */

static void print_json_count(const char *key, uint64_t count)
{
	printf("\"%s\":%llu,", key, (unsigned long long)count);
}

static void print_json_age(bool has_oldest, uint64_t age_s)
{
	if (has_oldest)
		printf("\"oldest_age_s\":%llu", (unsigned long long)age_s);
	else
		printf("\"oldest_age_s\":null");
}

static void print_json_queue(const struct queue_status_queue *queue)
{
	putchar('{');
	print_json_member("queue", queue->queue);
	putchar(',');
	print_json_member("order_by", queue->order_by);
	printf(",\"paused\":%s,", queue->is_paused ? "true" : "false");
	print_json_count("ready", queue->ready);
	print_json_count("waiting", queue->waiting);
	print_json_count("claimed", queue->claimed);
	print_json_count("failed", queue->failed);
	print_json_age(queue->has_oldest, queue->oldest_age_s);
	printf(",\"rate\":%.3f}", queue->rate);
}

static void print_json_author(const struct queue_status_author *author)
{
	putchar('{');
	print_json_member("author", author->author);
	putchar(',');
	print_json_count("pending", author->pending);
	print_json_count("sent", author->sent);
	print_json_count("confirmed", author->confirmed);
	print_json_count("failed", author->failed);
	print_json_count("held", author->held);
	print_json_age(author->has_oldest, author->oldest_age_s);
	putchar('}');
}

static void print_json_queues(const struct queue_status *status)
{
	printf("{\"queues\":[");
	for (size_t i = 0; i < status->queue_count; i++) {
		printf("%s", i > 0 ? "," : "");
		print_json_queue(&status->queues[i]);
	}
	printf("],\"outbox\":[");
	for (size_t i = 0; i < status->author_count; i++) {
		printf("%s", i > 0 ? "," : "");
		print_json_author(&status->authors[i]);
	}
	printf("]}\n");
}

static const char *format_age(bool has_oldest, uint64_t age_s, char text[static 32])
{
	if (has_oldest)
		snprintf(text, 32, "%llu s", (unsigned long long)age_s);
	else
		snprintf(text, 32, "-");
	return text;
}

static void print_queues(const struct queue_status *status, const char *before)
{
	char age[32];

	if (status->queue_count > 0)
		printf("%s%-32s %8s %8s %8s %8s %10s %8s\n", before, "queue", "ready", "waiting",
		       "claimed", "failed", "oldest", "done/s");
	for (size_t i = 0; i < status->queue_count; i++) {
		const struct queue_status_queue *queue = &status->queues[i];

		admin_print_text(queue->queue, 32);
		printf(" %8llu %8llu %8llu %8llu %10s %8.1f%s\n", (unsigned long long)queue->ready,
		       (unsigned long long)queue->waiting, (unsigned long long)queue->claimed,
		       (unsigned long long)queue->failed,
		       format_age(queue->has_oldest, queue->oldest_age_s, age), queue->rate,
		       queue->is_paused ? "  paused" : "");
	}
}

static void print_outbox(const struct queue_status *status, const char *before)
{
	char age[32];

	if (status->author_count > 0)
		printf("%s%-32s %8s %8s %8s %8s %8s %10s\n", before, "outbox of", "pending", "sent",
		       "confirmed", "failed", "held", "oldest");
	for (size_t i = 0; i < status->author_count; i++) {
		const struct queue_status_author *author = &status->authors[i];

		admin_print_text(author->author, 32);
		printf(" %8llu %8llu %9llu %8llu %8llu %10s\n", (unsigned long long)author->pending,
		       (unsigned long long)author->sent, (unsigned long long)author->confirmed,
		       (unsigned long long)author->failed, (unsigned long long)author->held,
		       format_age(author->has_oldest, author->oldest_age_s, age));
	}
}

static int print_status(const struct options *options, const struct config *config, struct db *db,
			enum exit_code *code, struct error *err)
{
	struct queue_status *status;
	int result = 0;

	(void)config;
	(void)code;
	if (!options->queues && print_readers(db, options->json, err) < 0)
		return -1;
	if (!options->queues && options->json)
		return 0;
	status = xcalloc(1, sizeof(*status));
	result = queue_status_load(db, status, err);
	if (result == 0 && options->json) {
		print_json_queues(status);
	} else if (result == 0) {
		print_queues(status, options->queues ? "" : "\n");
		print_outbox(status, options->queues && status->queue_count == 0 ? "" : "\n");
		if (options->queues && status->queue_count + status->author_count == 0)
			printf("there is no queue, and nothing in the outbox\n");
	}
	free(status);
	return result;
}

enum exit_code status_run(const struct options *options, const struct config *config)
{
	return admin_with_database(options, config, print_status);
}
