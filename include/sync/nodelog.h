/* SPDX-License-Identifier: MIT */
/*
 * Logs what the client reports about nodes: each decision once, and a burst of one kind as
 * a sum.
 */
#ifndef SYNC_NODELOG_H
#define SYNC_NODELOG_H

#include "base/log.h"
#include "steem/client.h"

struct shared;

struct nodelog {
	struct shared *shared;
	struct log_limit refused_limit;
	struct log_limit false_limit;
	struct log_limit split_limit;
	struct log_limit claim_limit, lists_limit;
	struct client_observer observer; /* pass it to client_new() */
};

void nodelog_init(struct nodelog *nodelog, struct shared *shared);

#endif
