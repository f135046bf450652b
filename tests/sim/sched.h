/* SPDX-License-Identifier: MIT */
/*
 * Time and order of a simulation: fibers instead of threads, a clock that jumps to the
 * next event, and one seed that decides every choice.
 *
 * A fiber runs until it sleeps; events of one moment happen in a random order.  A process
 * can be frozen and killed: while it is frozen its fibers do not run.
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

/* Start a new simulation and forget the old one. */
void sched_open(uint64_t seed);
/* Run the next event; false: there will never be another one. */
bool sched_step(void);

/* A random number below `limit`; the readers have another generator. */
uint64_t sim_random(uint64_t limit);
int64_t sim_between(int64_t low, int64_t high); /* both ends included */
bool sim_chance(unsigned per_mille);

struct fiber *fiber_start(struct process *process, void (*run)(void *context), void *context);
struct fiber *fiber_self(void);
struct process *process_self(void);
/* Return at this time, or when woken; while the process is frozen it sleeps on. */
void fiber_sleep(int64_t until_ms);
/*
 * The same for a wait that happens outside of the process, so a frozen process does not delay
 * it.
 */
void fiber_sleep_outside(int64_t until_ms);
/* Do not return before this time, frozen or not, unless the process is killed. */
void fiber_rest(int64_t until_ms);
void fiber_wake(struct fiber *fiber);
/* The process sends a request, or gives a job to the database; what: in words. */
void process_acts(struct process *process, const char *what);
/* Wake all fibers of a process. */
void process_wake(const struct process *process);
/* From now on the process is dead: its fibers run to their ends at once. */
void process_kill(struct process *process);
bool process_has_fibers(const struct process *process);

/* A promise is broken: print it with the seed, and end the program with 1. */
void sim_fail(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* Print one line of the trace, if it is wanted. */
void sim_trace(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
