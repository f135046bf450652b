/* SPDX-License-Identifier: MIT */
#include "poster/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/admin.h"
#include "daemon/child.h"
#include "daemon/config_check.h"
#include "daemon/failure.h"
#include "daemon/process.h"
#include "daemon/steps.h"
#include "poster/round.h"
#include "poster/signature_run.h"
#include "poster/signing_account.h"
#include "steem/http.h"
#include "steem/json.h"
#include "steem/rpc.h"
#include "store/db.h"
#include "store/schema.h"

#define TIMEOUT_MS    5000
#define ANSWER_BYTES  ((size_t)1024 * 1024)
#define REQUEST_BYTES 1024
#define ROWS_LOOK     100
#define TESTS_MAX     16

/* --check: ask a node. */

struct question {
	char *body; /* NULL: no answer */
	size_t len;
	struct error err;
	bool is_done;
};

static void take_body(void *context, const struct http_answer *answer, const struct error *err)
{
	struct question *question = context;

	question->is_done = true;
	if (err) {
		question->err = *err;
		return;
	}
	question->body = xtextdup(answer->body, answer->len);
	question->len = answer->len;
}

static int ask_node(struct http *http, const char *url, const char *account,
		    struct question *question, struct error *err)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT(REQUEST_BYTES);
	const struct rpc_call call = {.method = RPC_GET_ACCOUNTS, .account = account};
	struct http_post post = {
		.url = url,
		.timeout_ms = TIMEOUT_MS,
		.max_answer_bytes = ANSWER_BYTES,
		.done = take_body,
		.context = question,
	};

	if (rpc_encode(&body, &call, 1, 1, err) < 0)
		return -1;
	post.body = buf_text(&body);
	post.len = body.len;
	http_post(http, &post);
	while (!question->is_done)
		if (http_wait(http, NULL, 0, TIMEOUT_MS, err) < 0)
			return -1;
	if (question->err.kind == ERROR_NONE)
		return 0;
	*err = question->err;
	return -1;
}

/* The account as some node has it: an object; *ret_body owns it. An empty slice: no such account. */
static int find_account(struct http *http, const struct config *config, const char *account,
			char **ret_body, struct json_slice *ret_account, struct error *err)
{
	for (size_t i = 0; i < config->nodes.count; i++) {
		CLEANUP(mem_free_pointer) char *label = config_url_shown(config->nodes.urls[i]);
		struct question question = {.body = NULL};
		struct rpc_answer answer;
		struct json_cursor cursor;
		bool is_first = true;

		if (ask_node(http, config->nodes.urls[i], account, &question, err) < 0 ||
		    rpc_decode(question.body, question.len, 1, 1, &answer, err) < 0) {
			(void)error_prefix(err, "%s: ", label);
			free(question.body);
			continue;
		}
		if (answer.error.kind != ERROR_NONE) {
			*err = answer.error;
			(void)error_prefix(err, "%s: ", label);
			free(question.body);
			continue;
		}
		*ret_account = (struct json_slice){"", 0};
		json_open(&cursor, answer.result.data, answer.result.len);
		if (json_enter(&cursor, JSON_ARRAY) && json_next_element(&cursor, &is_first) &&
		    json_peek(&cursor) == JSON_OBJECT)
			(void)json_skip(&cursor, ret_account);
		*ret_body = question.body;
		return 0;
	}
	return -1;
}

/* Is the key one of this authority's, with enough weight for it alone? */
static bool has_authority(const struct json_slice *account, const char *authority, const char *key,
			  bool *ret_is_enough)
{
	struct json_slice object, keys, text;
	struct json_cursor cursor;
	struct json_slice number;
	uint64_t threshold = 0;
	bool is_first = true;

	if (!json_find(account->data, account->len, authority, &object) ||
	    !json_find(object.data, object.len, "key_auths", &keys))
		return false;
	if (json_find(object.data, object.len, "weight_threshold", &number)) {
		json_open(&cursor, number.data, number.len);
		(void)json_take_u64(&cursor, &threshold);
	}
	json_open(&cursor, keys.data, keys.len);
	if (!json_enter(&cursor, JSON_ARRAY))
		return false;
	while (json_next_element(&cursor, &is_first)) {
		bool is_first_part = true;
		uint64_t weight = 0;

		if (!json_enter(&cursor, JSON_ARRAY) ||
		    !json_next_element(&cursor, &is_first_part) ||
		    !json_take_string(&cursor, &text) ||
		    !json_next_element(&cursor, &is_first_part) ||
		    !json_take_u64(&cursor, &weight) || json_next_element(&cursor, &is_first_part))
			return false;
		if (text.len != strlen(key) || memcmp(text.data, key, text.len) != 0)
			continue;
		*ret_is_enough = weight >= threshold;
		return true;
	}
	return false;
}

static bool is_memo_key(const struct json_slice *account, const char *key)
{
	struct json_slice memo;

	return json_find(account->data, account->len, "memo_key", &memo) &&
	       memo.len == strlen(key) + 2 && memcmp(memo.data + 1, key, strlen(key)) == 0;
}

/* Print one line about a key. False: it is not what its entry says. */
static bool tell_key(const struct signing_account *signer, const struct signing_key *key,
		     const struct json_slice *account, const char *text)
{
	const char *wanted = key->rules->is_active ? "active" : "posting";
	bool is_enough = false;
	bool is_right;

	printf("%s: the key for %s is %s: ", signer->account, wanted, text);
	if (account->len == 0) {
		printf("there is no account %s on the chain\n", signer->account);
		return false;
	}
	if (has_authority(account, "owner", text, &is_enough)) {
		printf("refused: it is an owner key, which may take the whole account; take it off "
		       "this host\n");
		return false;
	}
	is_right = has_authority(account, wanted, text, &is_enough);
	if (is_right && is_enough)
		printf("in order, it has the %s authority%s\n", wanted,
		       !key->rules->is_active && has_authority(account, "active", text, &is_enough)
			       ? ", and the active authority too: a key of its own would be safer"
			       : "");
	else if (is_right)
		printf("its weight alone is not enough for the %s authority\n", wanted);
	else if (has_authority(account, key->rules->is_active ? "posting" : "active", text,
			       &is_enough))
		printf("it has only the %s authority\n",
		       key->rules->is_active ? "posting" : "active");
	else
		printf(is_memo_key(account, text) ? "it is the memo key, which signs nothing\n"
						  : "it has no authority of this account\n");
	return is_right && is_enough;
}

/*
 * Let the command sign the SHA-256 of "steem-poster --check 1", which is the digest of no transaction; if
 * that has no canonical signature, of "... 2", and so on.
 */
static void sign_test(const struct signing_account *signer, const struct signing_key *key,
		      struct transaction_maker *maker, struct signature_answer *ret_answer)
{
	uint8_t digest[HASH_SHA256_BYTES];
	char text[64];

	ret_answer->verdict = SIGNATURE_UNCANONICAL;
	for (int i = 1; i <= TESTS_MAX && ret_answer->verdict == SIGNATURE_UNCANONICAL; i++) {
		snprintf(text, sizeof(text), "steem-poster --check %d", i);
		hash_sha256(transaction_maker_hash(maker), text, strlen(text), digest);
		signature_run_once(signer->account, key, digest, ret_answer);
	}
}

/* Print one line about a command. False: it does not sign as its entry says. */
static bool try_command(const struct signing_account *signer, const struct signing_key *key,
			const struct config *config, struct transaction_maker *maker)
{
	const char *prefix = chain_of(config->poster.chain)->key_prefix;
	struct signature_answer answer;
	char text[KEY_TEXT_BYTES];

	printf("%s: the command for %s, %s: ", signer->account,
	       key->rules->is_active ? "active" : "posting", key->program);
	process_flush(); /* before the command writes */
	sign_test(signer, key, maker, &answer);
	if (answer.verdict == SIGNATURE_RIGHT)
		printf("in order, it signs a test digest with its public_key\n");
	else if (answer.verdict == SIGNATURE_FOREIGN)
		printf("it signs with %s, or signs another digest than it is given\n",
		       key_format(transaction_maker_hash(maker), prefix, &answer.found, text));
	else
		printf("it failed: %s\n", answer.why);
	return answer.verdict == SIGNATURE_RIGHT;
}

static int check_signet(struct http *http, const struct config *config,
			const struct signing_account *signer, struct transaction_maker *maker,
			bool *is_right, struct error *err)
{
	const struct signing_key *keys[] = {&signer->posting, &signer->active};
	CLEANUP(mem_free_pointer) char *body = NULL;
	struct json_slice account;

	if (find_account(http, config, signer->account, &body, &account, err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		char text[KEY_TEXT_BYTES];

		if (!keys[i]->rules)
			continue;
		if (keys[i]->rules->is_command)
			*is_right &= try_command(signer, keys[i], config, maker);
		key_format(transaction_maker_hash(maker),
			   chain_of(config->poster.chain)->key_prefix, signing_key_public(keys[i]),
			   text);
		*is_right &= tell_key(signer, keys[i], &account, text);
	}
	return 0;
}

enum exit_code inspect_check(const struct config *config, struct signing_accounts *signers,
			     struct transaction_maker *maker)
{
	struct error err = ERROR_INIT;
	int child_fd = children_open(&err);
	struct http *http =
		child_fd >= 0 ? http_new(4, "steem-poster/" PACKAGE_VERSION, &err) : NULL;
	bool is_right = true;
	bool has_failed = !http;

	for (size_t i = 0; i < signers->count && !has_failed; i++)
		has_failed =
			check_signet(http, config, &signers->items[i], maker, &is_right, &err) < 0;
	http_free(http);
	if (child_fd >= 0)
		close(child_fd);
	if (has_failed)
		return failure_report("ended", &err);
	return is_right ? EXIT_OK : EXIT_BAD_CONFIG;
}

/* --dry-run. */

struct dry_run {
	struct step step;
	struct round round;
	unsigned printed_count;
};

static void print_bytes(const struct transaction *trx)
{
	printf("  id: %s\n  bytes: ", trx->id);
	for (size_t i = 0; i < trx->byte_count; i++)
		printf("%02x", trx->bytes[i]);
	putchar('\n');
}

static void print_look(const struct signing_account *signer, const struct sender_row *row,
		       const struct round_look *look)
{
	static const char *const outcomes[] = {"would be signed", "waits", "would be held",
					       "would fail"};

	printf("%s %llu of %s %s%s", row->comment_id > 0 ? "comment" : "action",
	       (unsigned long long)(row->comment_id > 0 ? row->comment_id : row->action_id),
	       signer->account, outcomes[look->outcome], look->why[0] ? ": " : "");
	admin_print_text(look->why, 0);
	putchar('\n');
	for (size_t i = 0; look->trx && i < look->trx->operation_count; i++) {
		CLEANUP(mem_free_pointer)
		char *body = xtextdup(look->trx->operations[i].body.data,
				      look->trx->operations[i].body.len);

		printf("  %s ", look->trx->operations[i].row->name);
		admin_print_text(body, 0);
		putchar('\n');
	}
	if (look->outcome == ROUND_SIGNED)
		print_bytes(look->trx);
}

static int tell_pause(struct db *db, const char *account, struct error *err)
{
	char reason[SENDER_ERROR_CHARS + 1];
	bool is_paused;

	if (sender_why_paused(db, account, &is_paused, reason, err) < 0)
		return -1;
	if (!is_paused)
		return 0;
	printf("%s is paused%s", account, reason[0] ? ": " : "");
	admin_print_text(reason, 0);
	puts("; nothing of it is signed until somebody calls sender_resume");
	return 0;
}

static int look_at_account(struct db *db, struct dry_run *run, struct signing_account *signer,
			   struct error *err)
{
	struct sender_row *rows = xcalloc(2 * (size_t)ROWS_LOOK, sizeof(*rows));
	struct arena *arena = arena_new();
	struct sender_state state = {.custom_count = 0};
	size_t count = 0;
	int result = tell_pause(db, signer->account, err);

	if (result == 0)
		result = sender_comments(db, signer->account, false, false, ROWS_LOOK, arena, rows,
					 &count, err);
	if (result == 0)
		result = sender_actions(db, signer->account, false, false, ROWS_LOOK, arena, rows,
					&count, err);
	for (size_t i = 0; i < count && result == 0; i++) {
		struct round_look look = {.trx = NULL};

		result = round_consider(db, &run->round, signer, &state, &rows[i], &look, err);
		if (result == 0)
			print_look(signer, &rows[i], &look);
		round_look_release(&look);
		run->printed_count++;
	}
	arena_free(arena);
	free(rows);
	return result;
}

/* The rows are locked for a moment; nothing is written, so there is nothing to commit. */
static int look_at_rows(struct db *db, struct job *job, struct error *err)
{
	struct dry_run *run = (struct dry_run *)job;
	struct round *round = &run->round;

	if (schema_check(db, err) < 0 ||
	    sender_reference(db, &round->reference, &round->reference_s, err) < 0)
		return -1;
	if (round->reference.num == 0)
		return error_set(
			err, ERROR_CONFIG,
			"the database has no irreversible block to refer to; start a reader");
	round->head = (struct chain_head){.head_block = round->reference.num,
					  .head_time_s = round->reference_s};
	if (db_begin(db, err) < 0)
		return -1;
	for (size_t i = 0; i < round->signers->count; i++)
		if (look_at_account(db, run, &round->signers->items[i], err) < 0)
			return -1;
	db_rollback(db);
	return 0;
}

enum exit_code inspect_dry_run(const struct config *config, struct signing_accounts *signers,
			       struct transaction_maker *maker)
{
	struct dry_run run = {
		.round = {.signers = signers,
			  .maker = maker,
			  .is_dry_run = true,
			  .chain = chain_of(config->poster.chain)},
	};
	struct error err = ERROR_INIT;
	struct steps steps;
	enum exit_code code = EXIT_OK;

	if (steps_open(&steps, &config->database, &err) < 0 ||
	    steps_do(&steps, &run.step, "dry run", look_at_rows, &err) < 0)
		code = failure_report("ended", &err);
	else if (run.printed_count == 0)
		puts("nothing waits");
	steps_close(&steps);
	round_clear(&run.round);
	return code;
}
