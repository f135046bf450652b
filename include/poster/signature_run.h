/* SPDX-License-Identifier: MIT */
/*
 * One run of a command that signs one digest, and what its answer is worth.
 *
 * The command gets the digest as 64 hexadecimal digits and a newline on its standard input, and answers
 * with the compact signature as 130 hexadecimal digits.  STEEM_ACCOUNT, STEEM_AUTHORITY and
 * STEEM_PUBLIC_KEY in its environment say for which key.  What it writes is never shown: it may be the
 * key itself, by mistake.
 *
 * Calling sequence: signature_run_start(); then in each turn of the loop signature_run_fill_fds() and
 * signature_run_step(), until that is true.
 */
#ifndef POSTER_SIGNATURE_RUN_H
#define POSTER_SIGNATURE_RUN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "daemon/child.h"
#include "poster/signing_account.h"

#define SIGNATURE_ANSWER_LEN (2 * SIGNATURE_BYTES)

enum signature_verdict {
	SIGNATURE_RIGHT,
	SIGNATURE_UNCANONICAL, /* right, but no node takes it: another digest may do better */
	SIGNATURE_FOREIGN,     /* of another key, or of another digest */
	SIGNATURE_BROKEN,      /* none came: the command failed */
};
struct signature_answer {
	enum signature_verdict verdict;
	uint8_t signature[SIGNATURE_BYTES]; /* of SIGNATURE_RIGHT: as nodes take it */
	struct key found;                   /* of SIGNATURE_FOREIGN */
	char why[SIGNATURE_WHY_BYTES];      /* else: what is wrong, a clause */
};

/* Judge the output of a command that ended well.  A high S is turned into the low one.  Pure. */
void signature_run_read(const char *text, size_t len, const uint8_t digest[HASH_SHA256_BYTES],
			const struct key *expected, struct signature_answer *ret_answer);

struct signature_run {
	struct child child;
	const struct signing_key *key;
	uint8_t digest[HASH_SHA256_BYTES];
	int64_t began_at_ms, end_at_ms;
	const char *stopped; /* why we ended it; NULL: we did not */
};

/*
 * Start the command of a key, which must outlive the run.  guard: ends it if this process cannot; NULL:
 * nobody does.  -1 with err: ERROR_FATAL, the guard is gone; else no process could be started.
 * Release it in any case.
 */
int signature_run_start(struct signature_run *run, struct guard *guard, const char *account,
			const struct signing_key *key, const uint8_t digest[HASH_SHA256_BYTES],
			int64_t now_ms, struct error *err) MUST_CHECK;
/* Set CHILD_FDS entries. */
void signature_run_fill_fds(const struct signature_run *run, struct pollfd *fds);
/*
 * Read, and end what takes too long or writes too much.  fds: of signature_run_fill_fds(), or NULL.  True
 * once, when it is over: the answer is set.  Until then call it again at run->end_at_ms.
 */
bool signature_run_step(struct signature_run *run, const struct pollfd *fds, int64_t now_ms,
			struct signature_answer *ret_answer);
/* Kills the command if it still runs. */
void signature_run_release(struct signature_run *run);
/*
 * For a program that does nothing else: run the command to its end.  Call children_open() before.
 */
void signature_run_once(const char *account, const struct signing_key *key,
			const uint8_t digest[HASH_SHA256_BYTES],
			struct signature_answer *ret_answer);

#endif
