/* SPDX-License-Identifier: MIT */
/* base/thread.h with fibers in the place of threads. */
#include "base/thread.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sched.h"

#define MAX_WAITING 8

struct thread {
	void (*run)(void *context);
	void *context;
	bool has_returned;
	struct fiber *joining; /* waits for it */
};

struct monitor {
	struct fiber *owner; /* the loop's */
	struct fiber *waiting[MAX_WAITING];
};

struct bell {
	struct process *process;
	struct fiber *owner; /* waits in http_wait() */
};

static void thread_main(void *context)
{
	struct thread *thread = context;

	thread->run(thread->context);
	thread->has_returned = true;
	fiber_wake(thread->joining);
}

struct thread *thread_start(void (*run)(void *context), void *context, struct error *err)
{
	struct thread *thread = xcalloc(1, sizeof(*thread));

	(void)err;
	thread->run = run;
	thread->context = context;
	(void)fiber_start(process_self(), thread_main, thread);
	return thread;
}

void thread_join(struct thread *thread)
{
	if (!thread)
		return;
	thread->joining = fiber_self();
	while (!thread->has_returned)
		fiber_sleep(SIM_NEVER);
	free(thread);
}

struct monitor *monitor_new(void)
{
	struct monitor *monitor = xcalloc(1, sizeof(*monitor));

	monitor->owner = fiber_self();
	return monitor;
}

void monitor_free(struct monitor *monitor)
{
	free(monitor);
}

/* A fiber runs until it waits, so nothing needs to be locked. */
void monitor_lock(struct monitor *monitor)
{
	(void)monitor;
}

void monitor_unlock(struct monitor *monitor)
{
	(void)monitor;
}

void monitor_wait(struct monitor *monitor, int64_t until_ms)
{
	struct fiber **place = NULL;

	for (unsigned i = 0; i < MAX_WAITING && !place; i++)
		if (!monitor->waiting[i])
			place = &monitor->waiting[i];
	if (!place)
		sim_fail("more than %d fibers wait for one thing", MAX_WAITING);
	*place = fiber_self();
	fiber_sleep(until_ms);
	*place = NULL;
}

/* The loop announces jobs for the database: it acts. */
void monitor_announce(struct monitor *monitor)
{
	if (fiber_self() == monitor->owner)
		process_acts(process_self(), "a job for the database");
	for (unsigned i = 0; i < MAX_WAITING; i++)
		fiber_wake(monitor->waiting[i]);
}

struct bell *bell_new(struct error *err)
{
	struct bell *bell = xcalloc(1, sizeof(*bell));

	(void)err;
	bell->process = process_self();
	bell->owner = fiber_self();
	return bell;
}

void bell_free(struct bell *bell)
{
	free(bell);
}

int bell_fd(const struct bell *bell)
{
	(void)bell;
	return -1;
}

void bell_ring(struct bell *bell)
{
	bell->process->has_event = true;
	fiber_wake(bell->owner);
}

void bell_silence(struct bell *bell)
{
	bell->process->has_event = false;
}
