/* SPDX-License-Identifier: MIT */
/*
 * How the process ends because of an error: one line, one exit code.
 */
#ifndef DAEMON_FAILURE_H
#define DAEMON_FAILURE_H

#include "base/error.h"
#include "daemon/process.h"

/* The exit code that says who can cure it. */
enum exit_code failure_exit_code(const struct error *err);
/* Log it as `event` and return its exit code. */
enum exit_code failure_report(const char *event, const struct error *err);

#endif
