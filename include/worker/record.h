/* SPDX-License-Identifier: MIT */
/*
 * A delivery as one line of JSON, which the command reads on standard input.
 */
#ifndef WORKER_RECORD_H
#define WORKER_RECORD_H

#include "base/error.h"

struct buf;
struct delivery;

/*
 * Append the line with its line end. Times are UTC and end in Z. -1 with err (ERROR_DATA): the
 * payload is not JSON (somebody changed it), or does not fit.
 */
int record_write(const struct delivery *delivery, struct buf *out, struct error *err) MUST_CHECK;

#endif
