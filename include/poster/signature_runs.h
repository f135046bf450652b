/* SPDX-License-Identifier: MIT */
/*
 * All commands that sign: which one has a request, which one runs, and how long one rests that failed.
 *
 * A round (poster/round.h) leaves requests in the keys; signature_runs_take() takes them over when it is
 * done.  The commands then run beside everything else, one at a time for each key.
 * signature_runs_give() puts the answers back before the next round.  Both touch the keys, so no round may
 * run then.  An answer decides nothing: the next round reads the row again, and commits it like any other.
 */
#ifndef POSTER_SIGNATURE_RUNS_H
#define POSTER_SIGNATURE_RUNS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/metric.h"
#include "daemon/child.h"
#include "poster/signing_account.h"

#define SIGNATURE_RUNS_MAX 32 /* commands at once; the others wait */
#define SIGNATURE_RUNS_FDS (1 + SIGNATURE_RUNS_MAX * CHILD_FDS)

struct signature_runs_facts {
	uint64_t run_count, failure_count;
	unsigned failing_count;        /* keys whose last run failed */
	struct metric_histogram times; /* of runs that gave a signature */
};

struct signature_runs;

/*
 * For the keys of these accounts, which must outlive it.  Call it before the first thread starts, and
 * before opening anything else: it starts a guard if there is a command.
 */
struct signature_runs *signature_runs_new(struct signing_accounts *signers,
					  struct error *err) MUST_CHECK;
/* Kills what still runs. NULL is allowed. */
void signature_runs_free(struct signature_runs *runs);

/* Take over what the round has left. */
void signature_runs_take(struct signature_runs *runs);
/* Is there an answer to give? */
bool signature_runs_has_answers(const struct signature_runs *runs);
void signature_runs_give(struct signature_runs *runs);

/* Set at most SIGNATURE_RUNS_FDS entries to wait for; returns how many. */
unsigned signature_runs_fill_fds(struct signature_runs *runs, struct pollfd *fds);
/* Read what the commands wrote; fds: of signature_runs_fill_fds(), after waiting. */
void signature_runs_read(struct signature_runs *runs, const struct pollfd *fds);
/*
 * Start and end what is due; *ret_next_ms: when to call it again.  -1 with err (ERROR_FATAL): the guard is
 * gone, and no command can be started any more.
 */
int signature_runs_step(struct signature_runs *runs, int64_t now_ms, int64_t *ret_next_ms,
			struct error *err) MUST_CHECK;
/* Kill what runs, and start nothing more. */
void signature_runs_stop(struct signature_runs *runs);
const struct signature_runs_facts *signature_runs_get_facts(const struct signature_runs *runs);

#endif
