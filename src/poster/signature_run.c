/* SPDX-License-Identifier: MIT */
#include "poster/signature_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/inherit.h"

/* More than an answer has, so that a longer one is seen to be longer. */
#define OUTPUT_BYTES 256
/* The guard leaves the first word to us. */
#define GUARD_MS  1000
#define WAIT_MS   50
#define VARIABLES 3

static void refuse(struct signature_answer *answer, enum signature_verdict verdict, const char *why)
{
	answer->verdict = verdict;
	text_format(answer->why, sizeof(answer->why), "%s", why);
}

/* The answer. */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_digits(const char *text, uint8_t signature[SIGNATURE_BYTES])
{
	for (size_t i = 0; i < SIGNATURE_BYTES; i++) {
		int high = digit_of(text[2 * i]);
		int low = digit_of(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		signature[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void signature_run_read(const char *text, size_t len, const uint8_t digest[HASH_SHA256_BYTES],
			const struct key *expected, struct signature_answer *ret_answer)
{
	uint8_t *signature = ret_answer->signature;
	struct error err = ERROR_INIT;

	*ret_answer = (struct signature_answer){.verdict = SIGNATURE_RIGHT};
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len != SIGNATURE_ANSWER_LEN || !read_digits(text, signature)) {
		ret_answer->verdict = SIGNATURE_BROKEN;
		text_format(ret_answer->why, sizeof(ret_answer->why),
			    "it wrote %zu characters that are no signature; a signature is %d "
			    "hexadecimal digits",
			    len, SIGNATURE_ANSWER_LEN);
		return;
	}
	if (!key_recover(digest, signature, &ret_answer->found) ||
	    memcmp(ret_answer->found.bytes, expected->bytes, KEY_BYTES) != 0)
		refuse(ret_answer, SIGNATURE_FOREIGN,
		       "its signature is not of public_key, or not of the digest that it was given");
	else if (!sign_lower(signature) || sign_check(digest, signature, expected, &err) != 0)
		refuse(ret_answer, SIGNATURE_UNCANONICAL, "its signature is not canonical");
}

/* The run. */

int signature_run_start(struct signature_run *run, struct guard *guard, const char *account,
			const struct signing_key *key, const uint8_t digest[HASH_SHA256_BYTES],
			int64_t now_ms, struct error *err)
{
	const char *authority = key->rules->is_active ? "active" : "posting";
	char *added[VARIABLES] = {xasprintf("STEEM_ACCOUNT=%s", account),
				  xasprintf("STEEM_AUTHORITY=%s", authority),
				  xasprintf("STEEM_PUBLIC_KEY=%s", key->rules->public_key)};
	char **environment = inherit_environment(added, VARIABLES);
	char text[2 * HASH_SHA256_BYTES + 2];
	int result;

	*run = (struct signature_run){
		.key = key,
		.began_at_ms = now_ms,
		.end_at_ms = now_ms + (int64_t)key->rules->timeout_s * 1000,
	};
	memcpy(run->digest, digest, sizeof(run->digest));
	child_init(&run->child, guard);
	run->child.out.limit_bytes = OUTPUT_BYTES;
	run->child.environment = environment;
	snprintf(run->child.label, sizeof(run->child.label), "%s (%s)", account, authority);
	for (size_t i = 0; i < HASH_SHA256_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	text[sizeof(text) - 2] = '\n';
	result = child_start(&run->child, key->program, key->argv, true, err);
	if (result == 0)
		result = child_limit(&run->child, run->end_at_ms + GUARD_MS, err);
	if (result == 0)
		child_give(&run->child, text, sizeof(text) - 1, true);
	run->child.environment = NULL;
	free(environment);
	for (size_t i = 0; i < VARIABLES; i++)
		free(added[i]);
	return result;
}

void signature_run_fill_fds(const struct signature_run *run, struct pollfd *fds)
{
	child_fill_fds(&run->child, fds);
}

static void stop(struct signature_run *run, const char *why)
{
	if (!run->stopped)
		run->stopped = why;
	child_kill(&run->child);
	run->end_at_ms = CLOCK_NEVER;
}

static void judge(const struct signature_run *run, struct signature_answer *answer)
{
	const struct child *child = &run->child;
	int status = child->wait_status;

	*answer = (struct signature_answer){.verdict = SIGNATURE_BROKEN};
	if (child->exec_errno != 0) {
		struct error err = ERROR_INIT;

		errno = child->exec_errno;
		(void)error_set_errno(&err, ERROR_RETRY, "it cannot be executed");
		refuse(answer, SIGNATURE_BROKEN, err.text);
		return;
	}
	if (run->stopped)
		refuse(answer, SIGNATURE_BROKEN, run->stopped);
	else if (WIFSIGNALED(status))
		text_format(answer->why, sizeof(answer->why), "it was killed by signal %d",
			    WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		text_format(answer->why, sizeof(answer->why), "its exit code is %d",
			    WEXITSTATUS(status));
	else if (child->wrote_too_much)
		text_format(answer->why, sizeof(answer->why), "it wrote more than a signature");
	else
		signature_run_read(buf_text(&child->out), child->out.len, run->digest,
				   &run->key->public_key, answer);
}

bool signature_run_step(struct signature_run *run, const struct pollfd *fds, int64_t now_ms,
			struct signature_answer *ret_answer)
{
	(void)child_step(&run->child, fds, now_ms);
	if (child_has_ended(&run->child)) {
		judge(run, ret_answer);
		return true;
	}
	if (run->child.wrote_too_much)
		stop(run, "it wrote more than a signature, and was killed");
	else if (now_ms >= run->end_at_ms)
		stop(run, "it took longer than timeout_s, and was killed");
	return false;
}

void signature_run_release(struct signature_run *run)
{
	child_release(&run->child);
}

void signature_run_once(const char *account, const struct signing_key *key,
			const uint8_t digest[HASH_SHA256_BYTES],
			struct signature_answer *ret_answer)
{
	struct signature_run run;
	struct error err = ERROR_INIT;
	struct pollfd fds[CHILD_FDS];

	*ret_answer = (struct signature_answer){.verdict = SIGNATURE_BROKEN};
	if (signature_run_start(&run, NULL, account, key, digest, clock_now_ms(), &err) < 0) {
		refuse(ret_answer, SIGNATURE_BROKEN, err.text);
	} else {
		do {
			signature_run_fill_fds(&run, fds);
			if (poll(fds, CHILD_FDS, WAIT_MS) < 0)
				memset(fds, 0, sizeof(fds));
		} while (!signature_run_step(&run, fds, clock_now_ms(), ret_answer));
	}
	signature_run_release(&run);
}
