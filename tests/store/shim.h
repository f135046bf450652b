/* SPDX-License-Identifier: MIT */
/*
 * A layer between store/db and the client library that makes single calls fail.
 *
 * The linker puts it there (-Wl,--wrap, in tests.am), so the program under test is the one
 * that is shipped.  shim_arm() counts from then on; the k-th call fails with the given error,
 * before it took effect or after.  What a server would do with such an error happens too: it
 * rolls back the transaction, or the connection is cut.  shim_storm() lets calls fail by chance.
 *
 * A program of its own may judge each call instead (shim_judge), for example to end or to stop
 * the process at one of them: tests/store/shim_poster.c does so.
 */
#ifndef TESTS_STORE_SHIM_H
#define TESTS_STORE_SHIM_H

#include <stdbool.h>
#include <stddef.h>

struct shim_error {
	unsigned code;
	const char *state;
	bool rolls_back; /* the whole transaction, by the server */
	bool cuts;       /* the connection */
};

#define SHIM_TEXT   200 /* so much of a statement's text is known */
#define SHIM_ERRORS ((size_t)8)
extern const struct shim_error shim_errors[SHIM_ERRORS];

struct shim {
	unsigned fail_at; /* 0: no call of its own */
	unsigned storm_percent;
	const struct shim_error *error;
	bool after;
	unsigned calls;
	unsigned failures;
	char what[200]; /* the call that failed last */
};
extern struct shim shim;

/* What becomes of a call. */
enum shim_fate {
	SHIM_PASSES,
	SHIM_FAILS,   /* with shim.error, before it took effect or after (shim.after) */
	SHIM_KILLS,   /* SIGKILL, before or after it */
	SHIM_FREEZES, /* SIGSTOP; once the process goes on, so does the call */
};
/*
 * NULL: shim_arm() and shim_storm() decide.  function: "connect", "query", "prepare", "execute", "store"
 * or "fetch"; text: how the statement begins.  Several threads call it.
 */
extern enum shim_fate (*shim_judge)(const char *function, const char *text);
/* NULL, or: another text to prepare in place of this one. */
extern const char *(*shim_rewrite)(const char *sql);

void shim_arm(unsigned fail_at, const struct shim_error *error, bool after);
void shim_storm(unsigned percent);
/* End or stop this process, if that is the fate. */
void shim_strike(enum shim_fate fate);

#endif
