/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "store/db.h"
#include "store/db_error.h"

static const struct {
	unsigned code;
	const char *sqlstate;
	enum error_kind kind;
	bool is_lost;
	bool next_host;
} numbers[] = {
	{1213, "40001", ERROR_RETRY, false, false},
	{1205, "HY000", ERROR_RETRY, false, false},
	{1020, "HY000", ERROR_RETRY, false, false},
	{3101, "40000", ERROR_RETRY, false, false},
	{1180, "HY000", ERROR_RETRY, false, false},
	{1062, "23000", ERROR_RETRY, false, false},
	{1021, "HY000", ERROR_RETRY, false, false},
	{1114, "HY000", ERROR_RETRY, false, false},
	{2002, "HY000", ERROR_RETRY, true, true},
	{2003, "HY000", ERROR_RETRY, true, true},
	{2006, "HY000", ERROR_RETRY, true, false},
	{2013, "HY000", ERROR_RETRY, true, false},
	{2055, "HY000", ERROR_RETRY, true, false},
	{1927, "70100", ERROR_RETRY, true, false},
	{1053, "08S01", ERROR_RETRY, true, true},
	{1040, "08004", ERROR_RETRY, true, true},
	{1047, "08S01", ERROR_RETRY, true, true},
	{1290, "HY000", ERROR_RETRY, true, true},
	{1792, "25006", ERROR_RETRY, true, true},
	{1836, "HY000", ERROR_RETRY, true, true},
	{4031, "HY000", ERROR_RETRY, true, false},
	{1317, "70100", ERROR_RETRY, false, false},
	{1105, "HY000", ERROR_RETRY, false, false}, /* TiDB, for whatever went wrong */
	{9007, "HY000", ERROR_RETRY, false, false}, /* TiDB: write conflict */
	{1044, "42000", ERROR_CONFIG, false, false},
	{1045, "28000", ERROR_CONFIG, false, false},
	{2059, "HY000", ERROR_CONFIG, false, false},
	{1049, "42000", ERROR_CONFIG, false, false},
	{1054, "42S22", ERROR_CONFIG, false, false},
	{1142, "42000", ERROR_CONFIG, false, false},
	{1143, "42000", ERROR_CONFIG, false, false},
	{1146, "42S02", ERROR_CONFIG, false, false},
	{1227, "42000", ERROR_CONFIG, false, false},
	{1665, "HY000", ERROR_CONFIG, false, false},
	{3955, "HY000", ERROR_CONFIG, false, false},
	{4150, "HY000", ERROR_CONFIG, false, false},
	{1264, "22003", ERROR_DATA, false, false},
	{1366, "22007", ERROR_DATA, false, false},
	{1406, "22001", ERROR_DATA, false, false},
	{3140, "22032", ERROR_DATA, false, false},
	{1118, "42000", ERROR_DATA, false, false},
	{1153, "08S01", ERROR_DATA, true, false},
	/* Mangled on the way: nothing that could be a row is at fault, and a new connection is clean. */
	{1156, "08S01", ERROR_RETRY, true, false},
	{1210, "HY000", ERROR_RETRY, true, false},
	{1243, "HY000", ERROR_RETRY, true, false},
	{1835, "HY000", ERROR_RETRY, true, false},
	{2007, "HY000", ERROR_RETRY, true, true},
	{2014, "HY000", ERROR_RETRY, true, false},
	{2020, "HY000", ERROR_RETRY, true, false},
	{2027, "HY000", ERROR_RETRY, true, false},
	{2052, "HY000", ERROR_RETRY, true, false},
	{5010, "HY000", ERROR_CONFIG, true, true},
	{5013, "HY000", ERROR_RETRY, true, false},
	{2057, "HY000", ERROR_RETRY, true, false},
	/* Unknown ones, by their state. */
	{9001, "42000", ERROR_CONFIG, false, false},
	{9001, "22000", ERROR_DATA, false, false},
	{9001, "23000", ERROR_DATA, false, false},
	{9001, "08000", ERROR_RETRY, true, false},
	{9001, "HY000", ERROR_RETRY, false, false},
	{9001, NULL, ERROR_RETRY, false, false},
	{2999, NULL, ERROR_RETRY, true, false},
};

static void each_number_has_its_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct db_fault fault = db_sort_error(numbers[i].code, numbers[i].sqlstate);

		if (fault.kind != numbers[i].kind || fault.is_lost != numbers[i].is_lost ||
		    fault.next_host != numbers[i].next_host)
			fail_msg("error %u", numbers[i].code);
		if (fault.kind == ERROR_CONFIG && numbers[i].code < 9000)
			assert_non_null(fault.cure);
		/* Behind the library's own words and a path it must fit into a struct error. */
		assert_true(!fault.cure || strlen(fault.cure) <= 256);
	}
}

/* The predicates look at numbers of the database only. */
static void predicates_know_their_numbers(void **state)
{
	static const int rights[] = {1044, 1045, 1142, 1143, 1227, 1370,          1698,
				     3118, 3159, 3955, 4150, 4151, DB_NOT_ALLOWED};
	static const int others[] = {0,    -1,   1,    1040, 1046, 1062, 1141, 1144,
				     1205, 1213, 1317, 2003, 2013, 3117, 31001};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		(void)error_set_code(&err, ERROR_CONFIG, ERROR_CLASS_DATABASE, rights[i], "no");
		assert_true(db_is_about_rights(&err));
		assert_false(db_is_deadlock(&err) || db_is_duplicate(&err));
		assert_int_equal(db_error_number(&err), rights[i]);
		err.class = ERROR_CLASS_SYSTEM;
		assert_false(db_is_about_rights(&err));
		assert_int_equal(db_error_number(&err), 0);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		(void)error_set_code(&err, ERROR_RETRY, ERROR_CLASS_DATABASE, others[i], "no");
		assert_false(db_is_about_rights(&err));
		assert_int_equal(db_is_deadlock(&err), others[i] == 1213);
		assert_int_equal(db_is_duplicate(&err), others[i] == 1062);
		assert_int_equal(db_is_error(&err, 2003), others[i] == 2003);
		err.class = ERROR_CLASS_NODE;
		assert_false(db_is_deadlock(&err) || db_is_duplicate(&err) ||
			     db_is_error(&err, 2003));
	}
	(void)error_set_code(&err, ERROR_RETRY, ERROR_CLASS_READER, READER_DB_BEHIND, "lags");
	assert_int_equal(db_error_number(&err), 0);
}

#define TEN "1234567890"

static void addresses_have_one_meaning(void **state)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: refused */
		unsigned port;
		bool is_socket;
	} cases[] = {
		{"127.0.0.1:3307", "127.0.0.1", 3307, false},
		{"db", "db", 3306, false},
		{"[::1]:3307", "::1", 3307, false},
		{"[::1]", "::1", 3306, false},
		{"::1", "::1", 3306, false},
		{"/run/x:1.sock", "/run/x:1.sock", 3306, true},
		{"", NULL, 0, false},
		{":3306", NULL, 0, false},
		{"db:", NULL, 0, false},
		{"db:0", NULL, 0, false},
		{"db:65536", NULL, 0, false},
		{"db:33x", NULL, 0, false},
		{"db:+3", NULL, 0, false},
		{"[::1", NULL, 0, false},
		{"[::1]3", NULL, 0, false},
		{"[]:3", NULL, 0, false},
		{"fe80::1%eth0", "fe80::1%eth0", 3306, false},
		{"db_1.example.net.", "db_1.example.net.", 3306, false},
		{"run/x.sock", NULL, 0, false},
		{"./x", NULL, 0, false},
		{"..", NULL, 0, false},
		{"root@db", NULL, 0, false},
		{"db;3306", NULL, 0, false},
		{"/run/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "12",
		 "/run/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "12", 3306, true},
		{"/run/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "123", NULL, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		struct db_address address;
		int result = db_parse_address(cases[i].text, &address, &err);

		if (!cases[i].host) {
			assert_int_equal(result, -1);
			assert_int_equal(err.kind, ERROR_CONFIG);
			continue;
		}
		assert_int_equal(result, 0);
		assert_string_equal(address.host, cases[i].host);
		assert_int_equal(address.port, cases[i].port);
		assert_int_equal(address.is_socket, cases[i].is_socket);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_number_has_its_kind),
		cmocka_unit_test(predicates_know_their_numbers),
		cmocka_unit_test(addresses_have_one_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
