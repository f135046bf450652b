/* SPDX-License-Identifier: MIT */
/*
 * A command that changes the database in small commits, one after another: it connects and
 * retries as a reader does, shows its progress, and ends between two steps when a signal
 * arrives.
 */
#ifndef DAEMON_STEPS_H
#define DAEMON_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sync/executor.h"
#include "sync/progress.h"

struct db_config;

struct steps {
	struct executor *executor;
	int signal_fd;
	bool is_interrupted; /* a signal arrived: begin no further step */
	struct progress progress;
};

/* Embed it as the first member of a structure with the step's data. */
struct step {
	struct job job;
	bool is_done;
};

/* Steps are retried for half a minute. Call steps_close() even after a failure. */
int steps_open(struct steps *steps, const struct db_config *database, struct error *err) MUST_CHECK;
void steps_close(struct steps *steps);
/* Run one step to its end, with all its tries. what: its name in the log. */
int steps_do(struct steps *steps, struct step *step, const char *what,
	     int (*run)(struct db *db, struct job *job, struct error *err),
	     struct error *err) MUST_CHECK;
/* Wait for pause_ms, or until a signal arrives. */
void steps_wait(struct steps *steps, int64_t pause_ms);

#endif
