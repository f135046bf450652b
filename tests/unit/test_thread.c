/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

/* Two threads pass a number to each other and add one, each when it is its turn. */
struct game {
	struct monitor *monitor;
	unsigned number;
};

#define TURNS 1000

static void play(void *context)
{
	struct game *game = context;

	monitor_lock(game->monitor);
	while (game->number < TURNS) {
		if (game->number % 2 == 0) {
			monitor_wait(game->monitor, CLOCK_NEVER);
		} else {
			game->number++;
			monitor_announce(game->monitor);
		}
	}
	monitor_unlock(game->monitor);
}

static void threads_wake_each_other(void **state)
{
	struct game game = {.monitor = monitor_new(), .number = 1};
	struct error err = ERROR_INIT;
	struct thread *thread = thread_start(play, &game, &err);

	(void)state;
	assert_non_null(thread);
	monitor_lock(game.monitor);
	while (game.number < TURNS) {
		if (game.number % 2 == 1) {
			monitor_wait(game.monitor, CLOCK_NEVER);
		} else {
			game.number++;
			monitor_announce(game.monitor);
		}
	}
	monitor_unlock(game.monitor);
	thread_join(thread);
	assert_int_equal(game.number, TURNS);
	monitor_free(game.monitor);
}

static void a_wait_ends_at_its_time(void **state)
{
	struct monitor *monitor = monitor_new();
	int64_t until_ms = clock_now_ms() + 30;

	(void)state;
	monitor_lock(monitor);
	while (clock_now_ms() < until_ms)
		monitor_wait(monitor, until_ms);
	monitor_unlock(monitor);
	monitor_free(monitor);
	monitor_free(NULL);
}

static bool is_heard(const struct bell *bell)
{
	struct pollfd fd = {.fd = bell_fd(bell), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static void a_bell_is_heard_until_it_is_silenced(void **state)
{
	struct error err = ERROR_INIT;
	struct bell *bell = bell_new(&err);

	(void)state;
	assert_non_null(bell);
	assert_false(is_heard(bell));
	bell_silence(bell);
	bell_ring(bell);
	bell_ring(bell);
	assert_true(is_heard(bell));
	bell_silence(bell);
	assert_false(is_heard(bell));
	bell_free(bell);
	bell_free(NULL);
	thread_join(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_wake_each_other),
		cmocka_unit_test(a_wait_ends_at_its_time),
		cmocka_unit_test(a_bell_is_heard_until_it_is_silenced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
