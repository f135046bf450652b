/* SPDX-License-Identifier: MIT */
#include "sched.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#define MAX_FIBERS  64
#define STACK_BYTES ((size_t)256 * 1024)

struct fiber {
	ucontext_t context;
	struct process *process;
	void (*run)(void *context);
	void *argument;
	char *stack;
	int64_t wake_ms;
	bool is_outside; /* a frozen process does not delay the present sleep */
	bool is_light;   /* fiber_wake() may end it */
	bool is_used;
	void *fake_stack; /* for the sanitizers */
	void *tsan;
};

int64_t sim_now_ms;
bool sim_is_verbose;

static struct fiber fibers[MAX_FIBERS];
static struct fiber *current;
static ucontext_t scheduler;
#if defined(__SANITIZE_ADDRESS__)
static void *scheduler_fake_stack;
static const void *scheduler_stack;
static size_t scheduler_stack_bytes;
#endif
#if defined(__SANITIZE_THREAD__)
static void *scheduler_tsan;
#endif
static uint64_t state;
static uint64_t seed_given;

/* Random numbers: splitmix64. */

static uint64_t next_random(void)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t sim_random(uint64_t limit)
{
	return limit ? next_random() % limit : 0;
}

int64_t sim_between(int64_t low, int64_t high)
{
	return low + (int64_t)sim_random((uint64_t)(high - low) + 1);
}

bool sim_chance(unsigned per_mille)
{
	return sim_random(1000) < per_mille;
}

/* Fibers. The sanitizers must be told of each change of stack. */

static void leave_for(struct fiber *to, bool is_over)
{
#if defined(__SANITIZE_ADDRESS__)
	if (to)
		__sanitizer_start_switch_fiber(&scheduler_fake_stack, to->stack, STACK_BYTES);
	else
		__sanitizer_start_switch_fiber(is_over ? NULL : &current->fake_stack,
					       scheduler_stack, scheduler_stack_bytes);
#endif
#if defined(__SANITIZE_THREAD__)
	__tsan_switch_to_fiber(to ? to->tsan : scheduler_tsan, 0);
#endif
	(void)to;
	(void)is_over;
}

static void arrive(struct fiber *at)
{
#if defined(__SANITIZE_ADDRESS__)
	if (at)
		__sanitizer_finish_switch_fiber(at->fake_stack, &scheduler_stack,
						&scheduler_stack_bytes);
	else
		__sanitizer_finish_switch_fiber(scheduler_fake_stack, NULL, NULL);
#endif
	(void)at;
}

static void fiber_main(void)
{
	struct fiber *self = current;

	arrive(self);
	self->run(self->argument);
	self->is_used = false;
	leave_for(NULL, true);
	setcontext(&scheduler);
	abort();
}

static char *make_stack(void)
{
	char *stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || mprotect(stack, 4096, PROT_NONE) != 0)
		abort();
	return stack;
}

struct fiber *fiber_start(struct process *process, void (*run)(void *context), void *context)
{
	struct fiber *fiber = NULL;

	for (size_t i = 0; i < MAX_FIBERS && !fiber; i++)
		if (!fibers[i].is_used)
			fiber = &fibers[i];
	if (!fiber)
		sim_fail("more than %d fibers", MAX_FIBERS);
	if (!fiber->stack)
		fiber->stack = make_stack();
	fiber->process = process;
	fiber->run = run;
	fiber->argument = context;
	fiber->wake_ms = sim_now_ms;
	fiber->is_outside = false;
	fiber->is_light = true;
	fiber->is_used = true;
	fiber->fake_stack = NULL;
#if defined(__SANITIZE_THREAD__)
	if (!fiber->tsan)
		fiber->tsan = __tsan_create_fiber(0);
#endif
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = STACK_BYTES;
	fiber->context.uc_link = NULL;
	makecontext(&fiber->context, fiber_main, 0);
	return fiber;
}

struct fiber *fiber_self(void)
{
	return current;
}

struct process *process_self(void)
{
	return current ? current->process : NULL;
}

static void sleep_until(int64_t until_ms, bool is_outside, bool is_light)
{
	struct fiber *self = current;

	self->wake_ms = until_ms;
	self->is_outside = is_outside;
	self->is_light = is_light;
	leave_for(NULL, false);
	swapcontext(&self->context, &scheduler);
	arrive(self);
}

void fiber_sleep(int64_t until_ms)
{
	sleep_until(until_ms, false, true);
}

void fiber_sleep_outside(int64_t until_ms)
{
	sleep_until(until_ms, true, true);
}

void fiber_rest(int64_t until_ms)
{
	sleep_until(until_ms, true, false);
}

static void wake(struct fiber *fiber, bool is_forced)
{
	if (fiber->is_used && (is_forced || fiber->is_light) && fiber->wake_ms > sim_now_ms)
		fiber->wake_ms = sim_now_ms;
}

void fiber_wake(struct fiber *fiber)
{
	if (fiber)
		wake(fiber, false);
}

static void wake_all(const struct process *process, bool is_forced)
{
	for (size_t i = 0; i < MAX_FIBERS; i++)
		if (fibers[i].is_used && fibers[i].process == process)
			wake(&fibers[i], is_forced);
}

void process_acts(struct process *process, const char *what)
{
	if (process->has_nothing_to_do)
		sim_fail("%s waited with something to do: %s", process->label, what);
	process->act_count++;
}

void process_wake(const struct process *process)
{
	wake_all(process, false);
}

void process_kill(struct process *process)
{
	process->is_killed = true;
	wake_all(process, true);
}

bool process_has_fibers(const struct process *process)
{
	for (size_t i = 0; i < MAX_FIBERS; i++)
		if (fibers[i].is_used && fibers[i].process == process)
			return true;
	return false;
}

static int64_t due_ms(const struct fiber *fiber)
{
	int64_t due = fiber->wake_ms;

	if (!fiber->is_outside && fiber->process && !fiber->process->is_killed &&
	    fiber->process->frozen_until_ms > due)
		due = fiber->process->frozen_until_ms;
	return due > sim_now_ms ? due : sim_now_ms;
}

bool sched_step(void)
{
	struct fiber *next = NULL;
	int64_t next_ms = SIM_NEVER;
	uint64_t equal_count = 0;

	for (size_t i = 0; i < MAX_FIBERS; i++) {
		int64_t at_ms;

		if (!fibers[i].is_used)
			continue;
		at_ms = due_ms(&fibers[i]);
		if (at_ms > next_ms || at_ms == SIM_NEVER)
			continue;
		equal_count = at_ms < next_ms ? 1 : equal_count + 1;
		if (equal_count == 1 || sim_random(equal_count) == 0)
			next = &fibers[i];
		next_ms = at_ms;
	}
	if (!next)
		return false;
	sim_now_ms = next_ms;
	current = next;
	leave_for(next, false);
	swapcontext(&scheduler, &next->context);
	current = NULL;
	arrive(NULL);
	return true;
}

void sched_open(uint64_t seed)
{
	for (size_t i = 0; i < MAX_FIBERS; i++)
		if (fibers[i].is_used)
			sim_fail("a fiber of the last simulation still runs");
	state = seed;
	seed_given = seed;
	sim_now_ms = 1000000;
#if defined(__SANITIZE_THREAD__)
	scheduler_tsan = __tsan_get_current_fiber();
#endif
}

/* Texts. */

static void print_head(FILE *out)
{
	const struct process *process = process_self();

	fprintf(out, "%10.3f %-12s ", (double)(sim_now_ms - 1000000) / 1000,
		process ? process->label : "world");
}

void sim_trace(const char *fmt, ...)
{
	va_list args;

	if (!sim_is_verbose)
		return;
	print_head(stdout);
	va_start(args, fmt);
	vfprintf(stdout, fmt, args);
	va_end(args);
	fputc('\n', stdout);
}

void sim_fail(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	print_head(stderr);
	fprintf(stderr, "BROKEN: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nreplay with: tests/sim/sim --seed %llu -v\n",
		(unsigned long long)seed_given);
	_exit(1);
}
