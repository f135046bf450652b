/* SPDX-License-Identifier: MIT */
#include "poster/signature_runs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"
#include "daemon/guard.h"
#include "poster/signature_run.h"

#define REST_LEAST_MS 1000
#define REST_MOST_MS  300000
/* Each digest has a canonical signature with a chance of one half, so this never happens by bad luck. */
#define AGAIN_MAX 16
/* One signature of another key may be an accident. */
#define FOREIGN_MAX 2

enum command_state {
	COMMAND_IDLE,
	COMMAND_IN_LINE, /* it has a request */
	COMMAND_RUNNING,
	COMMAND_ANSWERED, /* until signature_runs_give() */
};

/* A key whose command signs. */
struct command {
	struct signing_account *signer;
	struct signing_key *key;
	enum command_state state;
	uint8_t digest[HASH_SHA256_BYTES];
	struct signature_run *run; /* of COMMAND_RUNNING; owned */
	struct signature_answer answer;
	bool is_asked_again; /* of COMMAND_ANSWERED: for another digest, at once */
	bool pauses;         /* of COMMAND_ANSWERED: the account */
	int64_t rest_ms;     /* 0: it has not failed since its last signature */
	int64_t rests_until_ms;
	unsigned again_count;
	unsigned foreign_count;
};

struct signature_runs {
	struct command *items;
	size_t count;
	size_t first; /* whose turn it is to start */
	unsigned running_count, answered_count;
	struct command *shown[SIGNATURE_RUNS_MAX]; /* in the order of the descriptors */
	unsigned shown_count;
	struct guard guard;
	int child_fd; /* -1: there are no commands */
	bool is_stopped;
	struct error fault;
	struct signature_runs_facts facts;
};

/* Opening. */

static void add_key(struct signature_runs *runs, struct signing_account *signer,
		    struct signing_key *key)
{
	if (key->rules && key->rules->is_command)
		runs->items[runs->count++] = (struct command){.signer = signer, .key = key};
}

struct signature_runs *signature_runs_new(struct signing_accounts *signers, struct error *err)
{
	struct signature_runs *runs = xcalloc(1, sizeof(*runs));

	runs->child_fd = -1;
	runs->guard.fd = -1;
	runs->items = xcalloc(2 * signers->count, sizeof(*runs->items));
	for (size_t i = 0; i < signers->count; i++) {
		add_key(runs, &signers->items[i], &signers->items[i].posting);
		add_key(runs, &signers->items[i], &signers->items[i].active);
	}
	if (runs->count == 0)
		return runs;
	if (guard_open(&runs->guard, err) == 0 && (runs->child_fd = children_open(err)) >= 0)
		return runs;
	signature_runs_free(runs);
	return NULL;
}

static void end_run(struct command *command)
{
	if (!command->run)
		return;
	signature_run_release(command->run);
	free(command->run);
	command->run = NULL;
}

void signature_runs_free(struct signature_runs *runs)
{
	if (!runs)
		return;
	for (size_t i = 0; i < runs->count; i++)
		end_run(&runs->items[i]);
	if (runs->child_fd >= 0)
		close(runs->child_fd);
	guard_close(&runs->guard);
	free(runs->items);
	free(runs);
}

/* Between two rounds. */

void signature_runs_take(struct signature_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++) {
		struct command *command = &runs->items[i];
		const struct signature_request *request = &command->key->request;

		if (command->state != COMMAND_IDLE || request->state != SIGNATURE_WANTED)
			continue;
		memcpy(command->digest, request->digest, sizeof(command->digest));
		command->state = COMMAND_IN_LINE;
	}
}

bool signature_runs_has_answers(const struct signature_runs *runs)
{
	return runs->answered_count > 0;
}

static void give(struct command *command)
{
	struct signing_key *key = command->key;
	struct signature_request *request = &key->request;
	const struct signature_answer *answer = &command->answer;

	command->signer->blocked_head_s = 0; /* the next round looks at it, whatever the head is */
	key->rests_until_ms = command->rests_until_ms;
	key->again_count = command->again_count;
	if (answer->verdict == SIGNATURE_RIGHT) {
		request->state = SIGNATURE_MADE;
		memcpy(request->signature, answer->signature, sizeof(request->signature));
	} else if (command->is_asked_again) {
		request->state = SIGNATURE_NONE; /* the next round makes another digest */
	} else {
		request->state = SIGNATURE_FAILED;
		request->pauses = command->pauses;
		text_format(request->why, sizeof(request->why), "the command failed: %s (%s)",
			    answer->why, key->program);
	}
	command->pauses = command->is_asked_again = false;
	command->state = COMMAND_IDLE;
}

void signature_runs_give(struct signature_runs *runs)
{
	for (size_t i = 0; i < runs->count && runs->answered_count > 0; i++) {
		if (runs->items[i].state != COMMAND_ANSWERED)
			continue;
		give(&runs->items[i]);
		runs->answered_count--;
	}
}

/* What an answer leads to. */

static const char *authority_of(const struct command *command)
{
	return command->key->rules->is_active ? "active" : "posting";
}

static void succeed(struct signature_runs *runs, struct command *command, int64_t now_ms)
{
	metric_observe(&runs->facts.times, (now_ms - command->run->began_at_ms) * 1000);
	if (command->rest_ms > 0) {
		runs->facts.failing_count--;
		log_info("signer_back", "%s (%s): its command signs again",
			 command->signer->account, authority_of(command));
	}
	command->rest_ms = command->rests_until_ms = 0;
	command->again_count = command->foreign_count = 0;
}

/* Nothing is lost: the row is still pending, and nobody else has the digest. */
static void rest(struct signature_runs *runs, struct command *command, int64_t now_ms)
{
	runs->facts.failure_count++;
	runs->facts.failing_count += command->rest_ms == 0;
	command->rest_ms = min_i64(max_i64(2 * command->rest_ms, REST_LEAST_MS), REST_MOST_MS);
	command->rests_until_ms = now_ms + command->rest_ms;
	log_warning(
		"signer_failed",
		"%s (%s): the command %s: %s; nothing was signed, the row waits, and the command is "
		"asked again in %lld s",
		command->signer->account, authority_of(command), command->key->program,
		command->answer.why, (long long)(command->rest_ms / 1000));
}

static void take_answer(struct signature_runs *runs, struct command *command, int64_t now_ms)
{
	struct signature_answer *answer = &command->answer;

	runs->facts.run_count++;
	switch (answer->verdict) {
	case SIGNATURE_RIGHT:
		succeed(runs, command, now_ms);
		break;
	case SIGNATURE_UNCANONICAL:
		command->is_asked_again = ++command->again_count < AGAIN_MAX;
		if (command->is_asked_again)
			return;
		command->again_count = 0;
		rest(runs, command, now_ms);
		break;
	case SIGNATURE_FOREIGN:
		command->pauses = ++command->foreign_count >= FOREIGN_MAX;
		if (command->pauses)
			command->foreign_count = 0;
		rest(runs, command, now_ms);
		break;
	case SIGNATURE_BROKEN:
		rest(runs, command, now_ms);
		break;
	}
}

static void finish(struct signature_runs *runs, struct command *command, int64_t now_ms)
{
	runs->running_count--;
	if (!runs->is_stopped)
		take_answer(runs, command, now_ms);
	end_run(command);
	command->state = COMMAND_ANSWERED;
	runs->answered_count++;
}

/* Running. */

unsigned signature_runs_fill_fds(struct signature_runs *runs, struct pollfd *fds)
{
	if (runs->child_fd < 0)
		return 0;
	fds[0] = (struct pollfd){.fd = runs->child_fd, .events = POLLIN};
	runs->shown_count = 0;
	for (size_t i = 0; i < runs->count; i++) {
		struct command *command = &runs->items[i];

		if (command->state != COMMAND_RUNNING)
			continue;
		signature_run_fill_fds(command->run, &fds[1 + runs->shown_count * CHILD_FDS]);
		runs->shown[runs->shown_count++] = command;
	}
	return 1 + runs->shown_count * CHILD_FDS;
}

static bool is_own(void *context, pid_t pid)
{
	const struct signature_runs *runs = context;

	for (size_t i = 0; i < runs->count; i++)
		if (runs->items[i].state == COMMAND_RUNNING && runs->items[i].run->child.pid == pid)
			return true;
	return runs->guard.pid == pid;
}

void signature_runs_read(struct signature_runs *runs, const struct pollfd *fds)
{
	int64_t now_ms = clock_now_ms();

	if (runs->child_fd < 0)
		return;
	if (fds[0].revents)
		children_clear(runs->child_fd);
	for (unsigned i = 0; i < runs->shown_count; i++) {
		struct command *command = runs->shown[i];

		if (signature_run_step(command->run, &fds[1 + i * CHILD_FDS], now_ms,
				       &command->answer))
			finish(runs, command, now_ms);
	}
	runs->shown_count = 0;
	if (!fds[0].revents)
		return;
	children_reap_others(is_own, runs);
	if (guard_check(&runs->guard, &runs->fault) < 0)
		signature_runs_stop(runs); /* signature_runs_step() tells why */
}

static void start(struct signature_runs *runs, struct command *command, int64_t now_ms)
{
	struct error err = ERROR_INIT;

	command->run = xcalloc(1, sizeof(*command->run));
	command->state = COMMAND_RUNNING;
	runs->running_count++;
	if (signature_run_start(command->run, &runs->guard, command->signer->account, command->key,
				command->digest, now_ms, &err) == 0)
		return;
	if (err.kind == ERROR_FATAL)
		runs->fault = err;
	command->answer = (struct signature_answer){.verdict = SIGNATURE_BROKEN};
	text_format(command->answer.why, sizeof(command->answer.why), "%s", err.text);
	finish(runs, command, now_ms);
}

static void start_all(struct signature_runs *runs, int64_t now_ms)
{
	size_t from = runs->first;

	for (size_t i = 0; i < runs->count && runs->running_count < SIGNATURE_RUNS_MAX; i++) {
		struct command *command = &runs->items[(from + i) % runs->count];

		if (command->state != COMMAND_IN_LINE)
			continue;
		start(runs, command, now_ms);
		runs->first = (from + i + 1) % runs->count;
	}
}

int signature_runs_step(struct signature_runs *runs, int64_t now_ms, int64_t *ret_next_ms,
			struct error *err)
{
	*ret_next_ms = CLOCK_NEVER;
	if (!runs->is_stopped)
		start_all(runs, now_ms);
	for (size_t i = 0; i < runs->count; i++) {
		struct command *command = &runs->items[i];

		if (command->state != COMMAND_RUNNING)
			continue;
		if (signature_run_step(command->run, NULL, now_ms, &command->answer))
			finish(runs, command, now_ms);
		else
			*ret_next_ms = sooner(*ret_next_ms, command->run->end_at_ms);
	}
	if (runs->fault.kind == ERROR_NONE)
		return 0;
	*err = runs->fault;
	return -1;
}

void signature_runs_stop(struct signature_runs *runs)
{
	runs->is_stopped = true;
	for (size_t i = 0; i < runs->count; i++)
		if (runs->items[i].state == COMMAND_RUNNING)
			child_kill(&runs->items[i].run->child);
}

const struct signature_runs_facts *signature_runs_get_facts(const struct signature_runs *runs)
{
	return &runs->facts;
}
