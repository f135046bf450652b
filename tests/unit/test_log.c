/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static int saved_stderr;
static int out[2];
static int64_t now_ms;

static int64_t fake_now(void *context)
{
	(void)context;
	return now_ms;
}

/* Standard error goes to a pipe: what the log writes can be read back. */
static int capture(void **state)
{
	(void)state;
	saved_stderr = dup(STDERR_FILENO);
	if (pipe(out) != 0 || dup2(out[1], STDERR_FILENO) < 0)
		return -1;
	unsetenv("JOURNAL_STREAM");
	log_open();
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static int release(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(out[0]);
	close(out[1]);
	return 0;
}

/* All that was written since the last call; a marker makes reading end without waiting. */
static const char *written(void)
{
	static char text[8192];
	ssize_t len;

	assert_int_equal(write(out[1], "$", 1), 1);
	len = read(out[0], text, sizeof(text) - 1);
	assert_true(len > 0 && text[len - 1] == '$');
	text[len - 1] = '\0';
	return text;
}

static void a_line_has_time_level_event_text(void **state)
{
	const char *line;

	(void)state;
	log_warning("node_failed", "node %s rests", "a");
	line = written();
	assert_int_equal(strlen(line),
			 strlen("2026-11-23T12:00:00Z warning node_failed: node a rests\n"));
	assert_string_equal(line + 20, " warning node_failed: node a rests\n");
	assert_true(clock_parse_utc("2026-11-23T12:00:00") > 0);
	assert_int_equal(line[19], 'Z');
}

static void the_journal_gets_priorities(void **state)
{
	char stream[64];
	struct stat status;

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
		 (unsigned long long)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open();
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("a", "x");
	log_warning("b", "x");
	log_info("c", "x");
	log_debug("d", "x");
	assert_string_equal(written(), "<3>a: x\n<4>b: x\n<6>c: x\n<7>d: x\n");
}

/* StandardError=append:/var/log/... : the variable is of standard output. */
static void a_file_under_the_journal_gets_times(void **state)
{
	static const char *const streams[] = {"8:1234", "", "8", "x:y"};

	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		setenv("JOURNAL_STREAM", streams[i], 1);
		log_open();
		log_info("c", "x");
		assert_string_equal(written() + 20, " info c: x\n");
	}
}

static void levels_hide_what_is_below(void **state)
{
	(void)state;
	log_debug("d", "x");
	assert_string_equal(written(), "");
	log_set_level(LOG_LEVEL_ERROR);
	log_info("c", "x");
	log_warning("b", "x");
	assert_string_equal(written(), "");
	log_error("a", "x");
	assert_non_null(strstr(written(), " error a: x\n"));
}

static void an_event_is_one_line(void **state)
{
	char text[4096];
	const char *line;

	(void)state;
	log_info("bad", "a\nb\x1b[31m\tc");
	assert_non_null(strstr(written(), " info bad: a b\xef\xbf\xbd[31m c\n"));
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("long", "%s", text);
	line = written();
	assert_true(strlen(line) < 2048);
	assert_string_equal(line + strlen(line) - 5, "x...\n");
}

/* No text brings a line end, a colour or a turn of the writing into the log. */
static void foreign_text_is_cleaned(void **state)
{
	(void)state;
	log_warning("bad", "%s",
		    "a\xc2\x85"
		    "b\xe2\x80\xa8"
		    "c\x9b[2J\xc2\x9b\xe2\x80\xae\xff");
	assert_non_null(strstr(written(),
			       " warning bad: a b c\xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd"
			       "\xef\xbf\xbd\n"));
}

/* Fill the pipe; returns the number of bytes. */
static size_t fill_pipe(void)
{
	static const char space[4096];
	int flags = fcntl(out[1], F_GETFL);
	size_t filled = 0;
	ssize_t len;

	fcntl(out[1], F_SETFL, flags | O_NONBLOCK);
	while ((len = write(out[1], space, sizeof(space))) > 0)
		filled += (size_t)len;
	fcntl(out[1], F_SETFL, flags);
	return filled;
}

static void empty_pipe(size_t filled)
{
	char space[4096];
	ssize_t len;

	while (filled > 0 && (len = read(out[0], space, sizeof(space))) > 0)
		filled -= (size_t)len;
}

static void check_unread_log(void)
{
	uint64_t lost = log_lost_count();
	int64_t began_ms = clock_now_ms();
	size_t filled = fill_pipe();
	const char *text;

	for (unsigned i = 0; i < 1000; i++)
		log_info("e", "nobody reads this");
	assert_true(clock_now_ms() - began_ms < 5000);
	assert_int_equal(log_lost_count() - lost, 1000);
	empty_pipe(filled);
	log_info("e", "somebody reads this");
	log_info("e", "and this");
	text = written();
	assert_non_null(strstr(text, " warning log_lost: 1000 lines could not be written"));
	assert_non_null(strstr(text, " info e: somebody reads this\n"));
	assert_non_null(strstr(text, " info e: and this\n"));
	assert_null(strstr(text, "nobody reads this"));
	assert_ptr_equal(strstr(strstr(text, "log_lost") + 1, "log_lost"), NULL);
}

static void nobody_need_read(void **state)
{
	(void)state;
	check_unread_log();
	/* What others have of the pipe still waits. */
	assert_int_equal(fcntl(out[1], F_GETFL) & O_NONBLOCK, 0);
}

/* Where standard error cannot be opened anew. */
static void nobody_need_read_what_is_not_opened(void **state)
{
	(void)state;
	log_close();
	check_unread_log();
}

static void nobody_need_read_a_socket(void **state)
{
	int saved[2] = {out[0], out[1]};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, out), 0);
	assert_int_equal(dup2(out[1], STDERR_FILENO), STDERR_FILENO);
	log_open();
	check_unread_log();
	close(out[0]);
	log_info("e", "nobody is there"); /* no SIGPIPE either */
	close(out[1]);
	out[0] = saved[0];
	out[1] = saved[1];
}

static void names_are_parsed(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;

	(void)state;
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("loud", &level), -1);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_string_equal(log_level_name(LOG_LEVEL_WARNING), "warning");
}

static void a_burst_is_counted(void **state)
{
	struct log_limit limit = LOG_LIMIT_INIT(1000);

	(void)state;
	clock_set_source(fake_now, NULL);
	now_ms = 5;
	log_limited(&limit, LOG_LEVEL_INFO, "e", "first");
	assert_non_null(strstr(written(), " info e: first\n"));
	now_ms = 1004;
	log_limited(&limit, LOG_LEVEL_INFO, "e", "second");
	log_limited(&limit, LOG_LEVEL_INFO, "e", "third");
	assert_string_equal(written(), "");
	now_ms = 1005;
	log_limited(&limit, LOG_LEVEL_INFO, "e", "fourth");
	assert_non_null(strstr(written(), " info e: fourth (2 more like this were left out)\n"));
	now_ms = 2005;
	log_limited(&limit, LOG_LEVEL_INFO, "e", "fifth");
	assert_non_null(strstr(written(), " info e: fifth\n"));
	clock_set_source(NULL, NULL);
}

static void redraw(void *context, bool draw)
{
	(void)context;
	assert_int_equal(write(out[1], draw ? "[bar]" : "[off]", 5), 5);
}

static void the_bar_makes_room(void **state)
{
	const char *line;

	(void)state;
	log_set_redraw(redraw, NULL);
	log_info("e", "x");
	log_set_redraw(NULL, NULL);
	line = written();
	assert_memory_equal(line, "[off]", 5);
	assert_string_equal(line + strlen(line) - 5, "[bar]");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, capture, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_has_time_level_event_text),
		TEST(the_journal_gets_priorities),
		TEST(a_file_under_the_journal_gets_times),
		TEST(levels_hide_what_is_below),
		TEST(an_event_is_one_line),
		TEST(foreign_text_is_cleaned),
		TEST(nobody_need_read),
		TEST(nobody_need_read_what_is_not_opened),
		TEST(nobody_need_read_a_socket),
		TEST(names_are_parsed),
		TEST(a_burst_is_counted),
		TEST(the_bar_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
