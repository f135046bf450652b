/* SPDX-License-Identifier: MIT */
/*
 * A command that changes the database in small commits, one after another: it connects and tries
 * again as a reader does, shows its progress, and ends between two steps when a signal asks for it.
 */
#ifndef DAEMON_STEPS_H
#define DAEMON_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sync/progress.h"
#include "sync/writer.h"

struct db_config;

struct steps {
	struct writer *writer;
	int signal_fd;
	bool is_interrupted; /* a signal came: begin no other step */
	struct progress progress;
};

/* To be embedded as the first member of a structure with what the step needs. */
struct step {
	struct job job;
	bool is_done;
};

/* Steps are retried for half a minute. steps_close() also after a failure. */
int steps_open(struct steps *steps, const struct db_config *database, struct error *err) MUST_CHECK;
void steps_close(struct steps *steps);
/* Run one step to its end, with all its tries. what: for the log. */
int steps_do(struct steps *steps, struct step *step, const char *what,
	     int (*run)(struct db *db, struct job *job, struct error *err),
	     struct error *err) MUST_CHECK;
/* Wait so long, or until a signal comes. */
void steps_wait(struct steps *steps, int64_t pause_ms);

#endif
