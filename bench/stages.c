/* SPDX-License-Identifier: MIT */
/*
 * Each stage of the reader alone, by the reader's own modules.
 *
 *   stages fetch  URL FIRST LAST CONNECTIONS BATCH
 *   stages decode URL FIRST LAST CONNECTIONS BATCH
 *   stages prove  URL FIRST LAST CONNECTIONS BATCH    (decode, and prove each block's content)
 *   stages write  URL FIRST LAST CONNECTIONS BATCH THREADS ROWS BYTES SOCKET DATABASE
 *
 * prints "blocks N rows N seconds S cpu S".  What comes before the stage (fetching the
 * answers that are to be decoded, decoding what is to be written) is not timed.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/block.h"
#include "steem/chain.h"
#include "steem/codec/proof.h"
#include "steem/decode.h"
#include "steem/http.h"
#include "steem/rpc.h"
#include "store/db.h"
#include "store/filter_rows.h"
#include "store/ledger.h"
#include "store/reader_rows.h"
#include "sync/executor.h"

#define MAX_ANSWER_BYTES ((size_t)256 << 20)
#define CALL_BYTES       128

struct batch {
	struct stage *stage;
	uint32_t first;
	size_t count;
	char *body;
	size_t len;
};

struct stage {
	struct http *http;
	const char *url;
	unsigned connections;
	size_t batch_size;
	struct batch *batches;
	size_t batch_count;
	size_t next_batch;
	bool keep_bodies;
	struct proof *proof; /* NULL: nothing is proved */
	struct block **blocks;
	size_t block_count;
	size_t row_count;
	double started_s;
	double cpu_at_start_s;
};

static double clock_s(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(int result, const struct error *err)
{
	if (result >= 0)
		return;
	fprintf(stderr, "stages: %s\n", err->text);
	exit(1);
}

static void start_clock(struct stage *stage)
{
	stage->started_s = clock_s(CLOCK_MONOTONIC);
	stage->cpu_at_start_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static void stop_clock(const struct stage *stage)
{
	printf("blocks %zu rows %zu seconds %.6f cpu %.6f\n", stage->block_count, stage->row_count,
	       clock_s(CLOCK_MONOTONIC) - stage->started_s,
	       clock_s(CLOCK_PROCESS_CPUTIME_ID) - stage->cpu_at_start_s);
}

/* Fetching. */

static void take_answer(void *context, const struct http_answer *answer, const struct error *err);

static void send_next(struct stage *stage)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT((stage->batch_size + 1) * CALL_BYTES);
	struct batch *batch = &stage->batches[stage->next_batch++];
	struct rpc_call *calls = xcalloc(batch->count, sizeof(*calls));
	struct error failure = ERROR_INIT;

	for (size_t i = 0; i < batch->count; i++)
		calls[i] = (struct rpc_call){.method = RPC_GET_BLOCK,
					     .block = batch->first + (uint32_t)i};
	check(rpc_encode(&body, calls, batch->count, batch->first, &failure), &failure);
	http_post(stage->http, &(struct http_post){.url = stage->url,
						   .body = body.data,
						   .len = body.len,
						   .timeout_ms = 60000,
						   .max_answer_bytes = MAX_ANSWER_BYTES,
						   .done = take_answer,
						   .context = batch});
	free(calls);
}

static void take_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	struct batch *batch = context;
	struct stage *stage = batch->stage;

	if (err)
		check(-1, err);
	if (stage->keep_bodies) {
		batch->len = answer->len;
		batch->body = xreallocarray(NULL, answer->len + 1, 1);
		memcpy(batch->body, answer->body, answer->len + 1);
	}
	if (stage->next_batch < stage->batch_count)
		send_next(stage);
}

static void fetch(struct stage *stage)
{
	struct error err = ERROR_INIT;

	while (stage->next_batch < stage->batch_count && stage->next_batch < stage->connections)
		send_next(stage);
	while (http_in_flight(stage->http) > 0)
		check(http_wait(stage->http, NULL, 0, 1000, &err), &err);
}

/* Decoding. */

static void *make_block(void *context, size_t i, struct json_cursor *cursor)
{
	const struct batch *batch = context;
	struct error err = ERROR_INIT;
	struct block *block;

	block = decode_block_at(cursor, batch->first + (uint32_t)i, batch->stage->proof, &err);
	if (block && batch->stage->proof && block->proof != BLOCK_PROOF_CONTENT)
		check(error_set(&err, ERROR_NODE, "a block does not prove itself"), &err);
	return block;
}

static void drop_block(void *thing)
{
	block_free(thing);
}

static void decode_batch(struct stage *stage, struct batch *batch, size_t at, bool keep)
{
	struct rpc_answer *answers = xcalloc(batch->count, sizeof(*answers));
	struct rpc_maker maker = {.context = batch, .make = make_block, .drop = drop_block};
	struct error err = ERROR_INIT;

	check(rpc_decode_making(batch->body, batch->len, batch->first, batch->count, &maker,
				answers, &err),
	      &err);
	for (size_t i = 0; i < batch->count; i++) {
		struct block *block = answers[i].thing;

		if (!block)
			check(error_set(&err, ERROR_NODE, "a block cannot be decoded"), &err);
		stage->row_count += block->operation_count;
		if (keep)
			stage->blocks[at + i] = block;
		else
			block_free(block);
	}
	free(answers);
}

static void decode(struct stage *stage, bool keep)
{
	size_t at = 0;

	if (keep)
		stage->blocks = xcalloc(stage->block_count, sizeof(struct block *));
	for (size_t i = 0; i < stage->batch_count; i++) {
		decode_batch(stage, &stage->batches[i], at, keep);
		at += stage->batches[i].count;
		if (keep)
			free(stage->batches[i].body);
	}
}

/* Writing. */

struct commit_job {
	struct job job;
	struct ledger_commit ledger;
};

static struct reader_identity identity = {.name = "stages", .session = "stages"};

static int run_commit(struct db *db, struct job *job, struct error *err)
{
	return ledger_commit(db, &((struct commit_job *)job)->ledger, err);
}

static void finish_commit(struct job *job)
{
	struct commit_job *commit = (struct commit_job *)job;

	if (job->err.kind != ERROR_NONE)
		check(-1, &job->err);
	free(commit->ledger.entries);
	free(commit);
}

static uint32_t enter_database(const struct db_config *database)
{
	struct error err = ERROR_INIT;
	struct db *db = db_new(database);
	bool is_active;
	uint32_t filter_id;

	check(db_connect(db, &err), &err);
	check(filter_rows_enlist(db, "", &filter_id, &is_active, NULL, &err), &err);
	check(reader_rows_register(db, &identity, "bench", &err), &err);
	db_free(db);
	return filter_id;
}

/* The next blocks that make a commit: as many as the reader would take. */
static size_t give_commit(struct stage *stage, struct executor *executor, uint32_t filter_id,
			  size_t from, size_t max_rows, size_t max_bytes)
{
	struct commit_job *commit = xcalloc(1, sizeof(*commit));
	size_t rows = 0, bytes = 0, to = from;

	while (to < stage->block_count && rows < max_rows && bytes < max_bytes) {
		rows += 1 + stage->blocks[to]->stored_count;
		bytes += stage->blocks[to++]->stored_payload_bytes;
	}
	commit->job.run = run_commit;
	commit->job.done = finish_commit;
	commit->ledger =
		(struct ledger_commit){.entries = xcalloc(to - from, sizeof(struct ledger_entry)),
				       .count = to - from,
				       .identity = &identity,
				       .filter_id = filter_id,
				       .head_block = stage->blocks[to - 1]->num,
				       .irreversible_block = stage->blocks[to - 1]->num};
	for (size_t i = from; i < to; i++)
		commit->ledger.entries[i - from].block = stage->blocks[i];
	executor_commit(executor, &commit->job);
	return to;
}

static void wait_for_executor(struct executor *executor)
{
	struct pollfd fd = {.fd = executor_fd(executor), .events = POLLIN};

	(void)poll(&fd, 1, 1000);
	executor_collect(executor);
}

static void write_blocks(struct stage *stage, char **options)
{
	static char user[] = "root";
	struct db_config database = {.hosts = &options[3],
				     .host_count = 1,
				     .user = user,
				     .name = options[4],
				     .connect_timeout_ms = 5000,
				     .io_timeout_ms = 30000};
	struct error err = ERROR_INIT;
	uint32_t filter_id = enter_database(&database);
	struct executor *executor;
	size_t at = 0;

	executor = executor_new(&database, (unsigned)strtoul(options[0], NULL, 10), 10000, &err);
	if (!executor)
		check(-1, &err);
	start_clock(stage);
	while (at < stage->block_count || executor_pending(executor) > 0) {
		while (at < stage->block_count && executor_has_room(executor))
			at = give_commit(stage, executor, filter_id, at,
					 strtoul(options[1], NULL, 10),
					 strtoul(options[2], NULL, 10));
		wait_for_executor(executor);
	}
	stop_clock(stage);
	executor_free(executor);
}

static void plan(struct stage *stage, uint32_t first, uint32_t last)
{
	stage->block_count = (size_t)last - first + 1;
	stage->batch_count = (stage->block_count + stage->batch_size - 1) / stage->batch_size;
	stage->batches = xcalloc(stage->batch_count, sizeof(*stage->batches));
	for (size_t i = 0; i < stage->batch_count; i++) {
		size_t from = i * stage->batch_size;
		size_t left = stage->block_count - from;

		stage->batches[i] = (struct batch){
			.stage = stage,
			.first = first + (uint32_t)from,
			.count = left < stage->batch_size ? left : stage->batch_size};
	}
}

int main(int argc, char **argv)
{
	struct stage stage = {.next_batch = 0};
	struct error err = ERROR_INIT;

	if (argc != (argc > 1 && strcmp(argv[1], "write") == 0 ? 12 : 7)) {
		fprintf(stderr, "usage: see the head of stages.c\n");
		return 64;
	}
	stage.url = argv[2];
	stage.connections = (unsigned)strtoul(argv[5], NULL, 10);
	stage.batch_size = strtoul(argv[6], NULL, 10);
	stage.keep_bodies = strcmp(argv[1], "fetch") != 0;
	plan(&stage, (uint32_t)strtoul(argv[3], NULL, 10), (uint32_t)strtoul(argv[4], NULL, 10));
	stage.http = http_new(stage.connections, "stages", &err);
	if (!stage.http)
		check(-1, &err);
	start_clock(&stage);
	fetch(&stage);
	if (!stage.keep_bodies) {
		stop_clock(&stage);
	} else if (strcmp(argv[1], "write") != 0) {
		if (strcmp(argv[1], "prove") == 0) {
			stage.proof = proof_new(&chain_steem, &err);
			check(stage.proof ? 0 : -1, &err);
		}
		decode(&stage, false); /* once unmeasured: memory and caches */
		stage.row_count = 0;
		start_clock(&stage);
		decode(&stage, false);
		stop_clock(&stage);
	} else {
		decode(&stage, true);
		write_blocks(&stage, argv + 7);
	}
	proof_free(stage.proof);
	http_free(stage.http);
	return 0;
}
