/* SPDX-License-Identifier: MIT */
/*
 * Time and order of a simulation: fibers in place of threads, a clock that jumps to the
 * next event, and one seed from which every choice comes.
 *
 * A fiber runs until it sleeps; what happens at one moment happens in a random order.  A
 * process is what can be frozen and killed: while it is frozen its fibers do not run.
 */
#ifndef SIM_SCHED_H
#define SIM_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define SIM_NEVER INT64_MAX

struct process {
	char label[24];          /* for the trace */
	int64_t frozen_until_ms; /* in the future: it does not run */
	bool has_event;          /* a job is finished: http_wait() is to return */
	bool is_killed;          /* its fibers are to return as soon as they can, without effects */
	bool has_arrived;        /* the last http_wait() returned because something came */
	bool has_nothing_to_do;  /* it said so: process_acts() breaks a promise */
	uint64_t act_count;      /* of process_acts() */
	uint64_t turn_count;     /* at one moment, to find those that spin */
	int64_t turn_ms;
};

struct fiber;

extern int64_t sim_now_ms;
extern bool sim_is_verbose;

/* A new simulation; everything of the one before is gone. */
void sched_open(uint64_t seed);
/* Run the next event; false: nothing will ever happen again. */
bool sched_step(void);

/* A random number below `limit`, of the simulation's own: the readers' is another. */
uint64_t sim_random(uint64_t limit);
int64_t sim_between(int64_t low, int64_t high); /* both ends included */
bool sim_chance(unsigned per_mille);

struct fiber *fiber_start(struct process *process, void (*run)(void *context), void *context);
struct fiber *fiber_self(void);
struct process *process_self(void);
/* Return at that time, or when woken; while the process is frozen it sleeps on. */
void fiber_sleep(int64_t until_ms);
/* The same, but what is waited for happens elsewhere: a frozen process does not hold it up. */
void fiber_sleep_outside(int64_t until_ms);
/* Not before that time, frozen or not, unless the process is killed. */
void fiber_rest(int64_t until_ms);
void fiber_wake(struct fiber *fiber);
/* The process sends a request, or gives a job to the database; what: in words. */
void process_acts(struct process *process, const char *what);
/* Wake all fibers of a process. */
void process_wake(const struct process *process);
/* From now on it is dead: its fibers run to their ends at once. */
void process_kill(struct process *process);
bool process_has_fibers(const struct process *process);

/* A broken promise: says so with the seed, and ends the program with 1. */
void sim_fail(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* One line of the trace, if it is wanted. */
void sim_trace(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
