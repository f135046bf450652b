/* SPDX-License-Identifier: MIT */
/*
 * How a delivery ends, from what its command reported: an exit status, or a line of
 * JSON.
 *
 * Pure.  The error is clean UTF-8 that fits the table, whatever bytes the command wrote.
 */
#ifndef WORKER_ENDING_H
#define WORKER_ENDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/deliveries.h"

#define ENDING_EXIT_RETRY  75 /* EX_TEMPFAIL */
#define ENDING_ERROR_BYTES 1000
/*
 * The chain accepts no transaction of more than 65536 bytes; 512 of them are kept for the parts other
 * than the texts of the comment.  reply() applies this limit to all texts together.
 */
#define ENDING_REPLY_BYTES 65024

struct ending {
	enum delivery_result result;
	int64_t delay_s; /* of a retry; DELIVERY_BACK_OFF: the queue's back-off */
	char error[ENDING_ERROR_BYTES + 1];
	char *reply; /* NULL: no reply */
	size_t reply_len;
	char *operations; /* NULL: no action */
	size_t operations_len;
};

void ending_release(struct ending *ending);
/* Set an ending of the worker itself; the last output of the command is added to the text. */
void ending_set(struct ending *ending, enum delivery_result result, const char *tail,
		size_t tail_len, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Exit code 0: done, and its standard output is the reply; 75: retry; others: fail. */
void ending_of_exit(struct ending *ending, int wait_status, const char *tail, size_t tail_len,
		    const char *output, size_t output_len);
/* The output is no reply, but the operations of an action. */
void ending_take_operations(struct ending *ending);
/* Turn a reply that the chain would refuse, or an action that is no text, into a failure that says why. */
void ending_check_reply(struct ending *ending);
/*
 * Read one line of a persistent command:
 *   {"delivery_id":N,"result":"done"|"retry"|"fail","error":"...","delay_s":N,"reply":"...",
 *    "act":[...]}
 * Only the first two members are required; unknown ones are ignored. -1 with err: it is not such
 * a line, or it answers another delivery.
 */
int ending_of_line(struct ending *ending, const char *line, size_t len, uint64_t delivery_id,
		   struct error *err) MUST_CHECK;

#endif
