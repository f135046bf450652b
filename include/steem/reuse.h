/* SPDX-License-Identifier: MIT */
/*
 * May a connection to a server be used again?  Pure.
 *
 * A steemd without a proxy closes each connection after its answer and does not announce it, so the
 * next request on that connection is lost.  After two such losses in a row the server is taken to
 * close its connections, and none is used twice, except in a trial now and then: one attempt keeps
 * its connection, and the next one uses it.
 */
#ifndef STEEM_REUSE_H
#define STEEM_REUSE_H

#include <stdbool.h>
#include <stdint.h>

/* How one attempt uses connections. */
enum reuse {
	REUSE_YES,          /* may use a kept connection, and keeps its own */
	REUSE_NO,           /* neither */
	REUSE_TRIAL_FIRST,  /* only keeps its own connection */
	REUSE_TRIAL_SECOND, /* uses the connection of the first attempt */
};

/* The experience with the connections of one server; all zero: none yet. */
struct reuse_record {
	unsigned loss_count; /* kept connections lost since the last one that brought an answer */
	bool is_closing;     /* connections are not used twice, except in a trial */
	enum { TRIAL_NONE, TRIAL_FIRST, TRIAL_KEPT, TRIAL_SECOND } trial;
	int64_t trial_at_ms; /* when the next trial may begin */
	int64_t pause_ms;    /* before the next trial, if this one fails */
};

/* How may the attempt that begins now use connections? */
enum reuse reuse_choose(struct reuse_record *record, int64_t now_ms);
/*
 * Learn from an attempt that has ended: its kept connection was lost (was_lost), or brought an
 * answer (was_kept).
 */
void reuse_learn(struct reuse_record *record, enum reuse reuse, bool was_lost, bool was_kept,
		 int64_t now_ms);

#endif
