/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void set_fills_and_fails(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&err, ERROR_DATA, "block %u is odd", 7u), -1);
	assert_int_equal(err.kind, ERROR_DATA);
	assert_int_equal(err.class, ERROR_CLASS_NONE);
	assert_int_equal(err.code, 0);
	assert_string_equal(err.text, "block 7 is odd");
	assert_int_equal(
		error_set_code(&err, ERROR_RETRY, ERROR_CLASS_DATABASE, 1213, "a deadlock"), -1);
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_int_equal(err.class, ERROR_CLASS_DATABASE);
	assert_int_equal(err.code, 1213);
	assert_int_equal(error_set_node(&err, 3, "block %u is not there", 7u), -1);
	assert_int_equal(err.kind, ERROR_NODE);
	assert_int_equal(err.class, ERROR_CLASS_NODE);
	assert_int_equal(err.code, 3);
	assert_string_equal(err.text, "block 7 is not there");
	/* What is said anew has no code of what was said before. */
	error_set(&err, ERROR_DATA, "x");
	assert_int_equal(err.class, ERROR_CLASS_NONE);
	assert_int_equal(err.code, 0);
}

/* One number means one thing to the system, another to a node, another to the database. */
static void a_code_belongs_to_its_class(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set_code(&err, ERROR_RETRY, ERROR_CLASS_DATABASE, 2, "a number of the database");
	assert_true(error_is(&err, ERROR_CLASS_DATABASE, 2));
	assert_false(error_is(&err, ERROR_CLASS_DATABASE, 3));
	assert_false(error_is(&err, ERROR_CLASS_SYSTEM, 2));
	assert_false(error_is(&err, ERROR_CLASS_NODE, 2));
	assert_false(error_is(&err, ERROR_CLASS_READER, 2));
}

static void set_errno_adds_its_text(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	errno = ENOENT;
	assert_int_equal(error_set_errno(&err, ERROR_CONFIG, "cannot open %s", "x.conf"), -1);
	assert_string_equal(err.text, "cannot open x.conf: No such file or directory");
	assert_true(error_is(&err, ERROR_CLASS_SYSTEM, ENOENT));
}

static void prefix_keeps_kind_and_code(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set_node(&err, 429, "too many requests");
	assert_int_equal(error_prefix(&err, "block %u: ", 5u), -1);
	assert_string_equal(err.text, "block 5: too many requests");
	assert_int_equal(err.kind, ERROR_NODE);
	assert_true(error_is(&err, ERROR_CLASS_NODE, 429));
}

static void an_error_may_be_made_of_itself(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, ERROR_NODE, "inner");
	error_set(&err, ERROR_RETRY, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
}

static void long_texts_are_cut(void **state)
{
	struct error err = ERROR_INIT;
	char text[2 * sizeof(err.text)];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&err, ERROR_FATAL, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	error_prefix(&err, "%s", "before ");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "before xxx", 10);
	errno = EIO;
	error_set_errno(&err, ERROR_FATAL, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* Text from nodes, users and files, through every function that fills an error text. */
static void foreign_text_is_cleaned(void **state)
{
	struct error err = ERROR_INIT;
	char text[2 * sizeof(err.text)];

	(void)state;
	error_set(&err, ERROR_NODE, "the timestamp \"%s\" is no time", "2016\xff\n\x1b[31m");
	assert_string_equal(err.text,
			    "the timestamp \"2016\xef\xbf\xbd \xef\xbf\xbd[31m\" is no time");
	error_set_node(&err, 7, "%s", "\xc2\x9b\xe2\x80\xae");
	assert_string_equal(err.text, "\xef\xbf\xbd\xef\xbf\xbd");
	error_prefix(&err, "%s: ", "\xf0\x9f\x98");
	assert_string_equal(err.text,
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd: \xef\xbf\xbd\xef\xbf\xbd");
	errno = EIO;
	error_set_errno(&err, ERROR_CONFIG, "%s", "a\r\nb");
	assert_string_equal(err.text, "a  b: Input/output error");
	for (size_t i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4);
	error_set(&err, ERROR_NODE, "%s", text);
	assert_int_equal(strlen(err.text), 510); /* 170 whole characters */
	error_prefix(&err, "x");
	assert_int_equal(strlen(err.text), 511);
}

static void nobody_need_listen(void **state)
{
	(void)state;
	errno = EIO;
	assert_int_equal(error_set(NULL, ERROR_DATA, "x"), -1);
	assert_int_equal(error_set_errno(NULL, ERROR_DATA, "x"), -1);
	assert_int_equal(error_prefix(NULL, "x"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_fills_and_fails),
		cmocka_unit_test(a_code_belongs_to_its_class),
		cmocka_unit_test(set_errno_adds_its_text),
		cmocka_unit_test(prefix_keeps_kind_and_code),
		cmocka_unit_test(an_error_may_be_made_of_itself),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(foreign_text_is_cleaned),
		cmocka_unit_test(nobody_need_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
