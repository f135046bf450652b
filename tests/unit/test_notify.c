/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"

static int listener;

/* An abstract socket needs no file; systemd writes its NUL as '@'. */
static int listen_here(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(address);
	char name[sizeof(address.sun_path) + 1];

	(void)state;
	listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	/* Bound without a name, the socket gets an abstract one of its own. */
	if (listener < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address.sun_family)) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) != 0)
		return -1;
	snprintf(name, sizeof(name), "@%.*s",
		 (int)(len - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "20000000", 1);
	unsetenv("WATCHDOG_PID");
	return 0;
}

static int stop_listening(void **state)
{
	(void)state;
	close(listener);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	return 0;
}

static const char *heard(void)
{
	static char text[1024];
	ssize_t len = recv(listener, text, sizeof(text) - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	return text;
}

static void messages_arrive(void **state)
{
	(void)state;
	notify_open();
	notify_ready();
	assert_string_equal(heard(), "READY=1");
	notify_status("block %d\nand more", 7);
	assert_string_equal(heard(), "STATUS=block 7 and more");
	notify_extend_timeout(1500);
	assert_string_equal(heard(), "EXTEND_TIMEOUT_USEC=1500000");
	notify_reloading();
	assert_memory_equal(heard(), "RELOADING=1\nMONOTONIC_USEC=", 27);
	notify_stopping();
	assert_string_equal(heard(), "STOPPING=1");
}

static void regular_messages_come_in_time(void **state)
{
	struct notify_times times = {0};

	(void)state;
	notify_open();
	assert_true(notify_is_status_due(&times, 1000000));
	assert_false(notify_is_status_due(&times, 1000000 + NOTIFY_STATUS_MS - 1));
	assert_true(notify_is_status_due(&times, 1000000 + NOTIFY_STATUS_MS));
	/* A watchdog of 20 s. */
	assert_true(notify_feed(&times, 1000000));
	assert_string_equal(heard(), "WATCHDOG=1");
	assert_int_equal(notify_next_ms(&times), 1005000);
	assert_false(notify_feed(&times, 1004999));
	assert_string_equal(heard(), "");
	assert_true(notify_feed(&times, 1005001));
	assert_string_equal(heard(), "WATCHDOG=1");
	assert_int_equal(notify_next_ms(&times), 1010000);
	assert_true(notify_is_status_due(&times, 1010000));
	assert_int_equal(notify_next_ms(&times), 1010001);
}

static void children_do_not_inherit(void **state)
{
	(void)state;
	notify_open();
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
}

static void a_watchdog_for_others_is_not_ours(void **state)
{
	struct notify_times times = {.status_at_ms = 2000000};

	(void)state;
	setenv("WATCHDOG_PID", "1", 1);
	notify_open();
	assert_false(notify_feed(&times, 1000000));
	assert_int_equal(notify_next_ms(&times), 2000000);
	assert_string_equal(heard(), "");
}

static void nobody_need_listen(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_open();
	notify_ready();
	assert_string_equal(heard(), "");
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	notify_open();
	notify_ready();
	setenv("NOTIFY_SOCKET", "nonsense", 1);
	notify_open();
	notify_ready();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, listen_here, stop_listening)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_arrive),         TEST(regular_messages_come_in_time),
		TEST(children_do_not_inherit), TEST(a_watchdog_for_others_is_not_ours),
		TEST(nobody_need_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
