/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <time.h>

#include "base/backoff.h"
#include "store/gap_rows.h"

#define TOP 6000

static void expect_set(const struct range_set *set, const char *text)
{
	char got[400];

	assert_string_equal(range_format(set, got, sizeof(got)), text);
}

/* The view `gaps`, as "first-last[@claimed_by][reason];". */
static void read_view(char text[static 2000])
{
	static const char query[] = "SELECT first_block, last_block, missing, claimed_by, reason "
				    "FROM gaps ORDER BY first_block";
	struct db_rows *rows = db_query(db, query, DB_NO_VALUES, &err);
	int result = -1;

	text[0] = '\0';
	while (rows && (result = db_rows_next(rows, &err)) > 0) {
		size_t len = strlen(text);
		const char *claimed_by = db_row_text(rows, 3, NULL);
		const char *reason = db_row_text(rows, 4, NULL);

		assert_int_equal(db_row_u64(rows, 2),
				 db_row_u64(rows, 1) - db_row_u64(rows, 0) + 1);
		snprintf(text + len, 2000 - len, "%llu-%llu%s%s%s;",
			 (unsigned long long)db_row_u64(rows, 0),
			 (unsigned long long)db_row_u64(rows, 1), claimed_by ? "@" : "",
			 claimed_by ? claimed_by : "", reason ? reason : "");
	}
	OK(result);
	db_rows_free(rows);
}

static void expect_view(const char *expected)
{
	char text[2000];

	read_view(text);
	assert_string_equal(text, expected);
}

static void irreversible_is(uint32_t block)
{
	const struct reader_report report = {.state = "tailing",
					     .node = "n",
					     .head_block = block + 20,
					     .irreversible_block = block};

	OK(reader_rows_heartbeat(db, &me, &report, &err));
}

static void record(uint32_t first, uint32_t last, const char *holes, bool advance)
{
	struct range_set set = RANGE_SET_INIT;

	if (holes[0] != '\0')
		OK(range_parse(&set, holes, &err));
	OK(gaps_record(db, first, last, &set, advance, &err));
	range_set_release(&set);
}

static void the_view_shows_holes_at_both_ends_and_between(void **state)
{
	(void)state;
	OK(wanted_ranges_open(db, 100, UINT32_MAX, &err));
	expect_view("");
	irreversible_is(120);
	expect_view("100-120;");
	store(105, 110);
	expect_view("100-104;111-120;");
	irreversible_is(110);
	expect_view("100-104;111-120;");
	record(100, 108, "100-104", true);
	expect_view("100-104;111-120;");
	store(113, 115);
	/* A known gap above the scanned point, of blocks that are partly stored. */
	record(114, 117, "114-117", false);
	expect_view("100-104;111-112;114-117;118-120;");
	OK(gaps_set_reason(db, 117, 117, "no node gives it", &err));
	expect_view("100-104;111-112;114-116;117-117no node gives it;118-120;");
	OK(reader_rows_remove(db, &me, &err));
	expect_view("100-104;111-112;114-116;117-117no node gives it;118-120;");
}

static void expect_reason(const char *expected)
{
	struct db_rows *rows = db_query(db, "SELECT reason FROM known_gaps", DB_NO_VALUES, &err);

	assert_int_equal(db_rows_next(rows, &err), 1);
	assert_string_equal(db_row_text(rows, 0, NULL), expected);
	db_rows_free(rows);
}

/* The table takes every reason, however it was cut; if it refuses one, the gap is written without. */
static void any_reason_can_be_recorded(void **state)
{
	const struct reader_report report = {.state = "tailing", .node = "cut\xe2\x82"};
	char text[1200];
	char expected[1200] = "";

	(void)state;
	OK(wanted_ranges_open(db, 100, UINT32_MAX, &err));
	record(100, 100, "100", true);
	OK(gaps_set_reason(db, 100, 100, "a\xff\n\x1b\xc2\x9b\xe2\x80\xae cut: \xe2\x82", &err));
	expect_reason("a\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd cut: "
		      "\xef\xbf\xbd\xef\xbf\xbd");
	text[0] = '\0';
	for (unsigned i = 0; i < 290; i++) {
		memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 5);
		if (i < 255)
			memcpy(expected + 4 * i, "\xf0\x9f\x98\x80", 5);
	}
	OK(gaps_set_reason(db, 100, 100, text, &err));
	expect_reason(expected);
	run_sql("UPDATE known_gaps SET reason = NULL");
	run_sql("ALTER TABLE known_gaps MODIFY reason VARCHAR(60) NULL");
	memset(text, 'x', 200);
	text[200] = '\0';
	OK(gaps_set_reason(db, 100, 100, text, &err));
	expect_reason(GAP_REASON_REFUSED);
	run_sql("ALTER TABLE known_gaps MODIFY reason VARCHAR(255) NULL");
	/* A heartbeat with such a node's name. */
	OK(reader_rows_heartbeat(db, &me, &report, &err));
}

static void ranges_never_overlap(void **state)
{
	struct range_set wanted = RANGE_SET_INIT;
	struct range_set added = RANGE_SET_INIT;
	struct wanted_ranges ranges;

	(void)state;
	OK(range_parse(&wanted, "50-60,90-120", &err));
	OK(wanted_ranges_add_closed(db, &wanted, &added, &err));
	expect_set(&added, "50-60,90-120");
	expect_view("50-60;90-120;");
	OK(wanted_ranges_open(db, 100, UINT32_MAX, &err));
	OK(wanted_ranges_load(db, &ranges, &err));
	assert_true(ranges.has_open);
	assert_int_equal(ranges.open_first, 100);
	assert_int_equal(ranges.scanned_to, 99);
	expect_set(&ranges.closed, "50-60,90-99");
	wanted_ranges_release(&ranges);
	range_set_clear(&wanted);
	OK(range_parse(&wanted, "40-110", &err));
	OK(wanted_ranges_add_closed(db, &wanted, &added, &err));
	expect_set(&added, "40-49,61-89");
	OK(wanted_ranges_open(db, 200, UINT32_MAX, &err));
	OK(wanted_ranges_open(db, 55, UINT32_MAX, &err));
	OK(wanted_ranges_load(db, &ranges, &err));
	assert_int_equal(ranges.open_first, 55);
	assert_int_equal(ranges.scanned_to, 99);
	expect_set(&ranges.closed, "40-54");
	wanted_ranges_release(&ranges);
	expect_view("40-120;");
	range_set_release(&wanted);
	range_set_release(&added);

	struct error second = ERROR_INIT;

	assert_int_equal(db_exec_text(db, "INSERT INTO ranges (first_block) VALUES (7)", &second),
			 -1);
	assert_int_equal(second.code, 1062);
}

/* A start that was meant to be lower: blocks that are not there yet are no gaps. */
static void a_range_that_began_above_the_chain(void **state)
{
	struct wanted_ranges ranges;

	(void)state;
	OK(wanted_ranges_open(db, 5000, 50, &err));
	OK(wanted_ranges_open(db, 4000, 50, &err));
	OK(wanted_ranges_load(db, &ranges, &err));
	assert_int_equal(ranges.open_first, 4000);
	assert_int_equal(ranges.scanned_to, 3999);
	wanted_ranges_release(&ranges);
	expect_view("");
	OK(wanted_ranges_open(db, 10, 50, &err));
	OK(wanted_ranges_load(db, &ranges, &err));
	assert_int_equal(ranges.open_first, 10);
	assert_int_equal(ranges.scanned_to, 50);
	wanted_ranges_release(&ranges);
	expect_view("10-50;");
}

/* known_gaps against a model: of each block whether it is a gap, and how often it failed. */
static void check_model(const uint8_t *model)
{
	static uint8_t got[TOP + 1];
	struct db *other = world_connect();
	struct db_rows *rows =
		db_query(other,
			 "SELECT first_block, last_block, reason IS NOT NULL, "
			 "COALESCE(TIMESTAMPDIFF(MICROSECOND, '2000-01-01', tried_at), 0) "
			 "FROM known_gaps ORDER BY first_block",
			 DB_NO_VALUES, &err);
	uint64_t before = 0;
	uint64_t before_reason = 0;
	uint64_t before_tried = 0;

	assert_non_null(rows);
	memset(got, 0, sizeof(got));
	while (db_rows_next(rows, &err) > 0) {
		uint64_t first = db_row_u64(rows, 0);

		assert_true(first > before); /* no overlap */
		if (first == before + 1 && before > 0)
			assert_true(before_reason != db_row_u64(rows, 2) ||
				    before_tried != db_row_u64(rows, 3)); /* else joined */
		before = db_row_u64(rows, 1);
		before_reason = db_row_u64(rows, 2);
		before_tried = db_row_u64(rows, 3);
		for (uint64_t block = first; block <= before; block++)
			got[block] = before_reason != 0 ? 2 : 1;
	}
	db_rows_free(rows);
	db_free(other);
	for (size_t i = 1; i <= TOP; i++)
		if (got[i] != model[i])
			fail_msg("block %zu: %u in the table, %u in the model", i, got[i],
				 model[i]);
}

static void known_gaps_agree_with_a_model(void **state)
{
	static uint8_t model[TOP + 1];
	struct range_set holes = RANGE_SET_INIT;

	(void)state;
	random_seed(7);
	memset(model, 0, sizeof(model));
	for (unsigned round = 0; round < 250; round++) {
		uint32_t first = 1 + (uint32_t)random_below(TOP - 300);
		uint32_t last = first + (uint32_t)random_below(300);

		if (round % 4 == 3) {
			OK(gaps_set_reason(db, first, last, "why", &err));
			for (uint32_t i = first; i <= last; i++)
				model[i] = model[i] ? 2 : 0;
		} else {
			range_set_clear(&holes);
			for (unsigned i = 0; i < 6; i++) {
				uint32_t from = 1 + (uint32_t)random_below(TOP - 40);

				range_add(&holes, i < 4 ? first + from % 200 : from,
					  i < 4 ? first + from % 200 + from % 50 : from + 20);
			}
			OK(gaps_record(db, first, last, &holes, false, &err));
			for (uint32_t i = first; i <= last; i++)
				model[i] =
					range_contains(&holes, i) ? (model[i] ? model[i] : 1) : 0;
		}
		check_model(model);
	}
	range_set_release(&holes);
}

static void claims_share_the_work(void **state)
{
	struct reader_identity you = {.name = "two", .session = "t1"};
	struct range_set all = RANGE_SET_INIT;
	struct range_set working = RANGE_SET_INIT;
	struct claim_search mine;
	struct claim_search yours;

	(void)state;
	OK(reader_rows_register(db, &you, "test", &err));
	OK(range_parse(&all, "1-100000", &err));
	record(1, 9999, "1-500,3500-5200,7000", false);
	OK(claims_take_next(db, &me, &all, NULL, &mine, &err));
	assert_true(mine.has_claim);
	expect_set(&mine.claim.missing, "7000");
	assert_int_equal(mine.missing_count, 500 + 1701 + 1);
	OK(claims_take_next(db, &you, &all, NULL, &yours, &err));
	expect_set(&yours.claim.missing, "3500-3999");
	assert_true(yours.others_work);
	expect_view("1-500;3500-5200@two;7000-7000@one;");

	/* Mine comes to nothing: it waits; but for one that has begun since, it is due. */
	struct range_set failed = RANGE_SET_INIT;

	OK(range_parse(&failed, "7000", &err));
	OK(claims_finish(db, &me, &mine.claim, &failed, "no node gives it", &err));
	claim_release(&mine.claim);
	expect_view("1-500;3500-5200@two;7000-7000no node gives it;");
	OK(claims_take_next(db, &me, &all, NULL, &mine, &err));
	expect_set(&mine.claim.missing, "4000-4999");
	assert_true(mine.waits);
	assert_in_range(mine.next_try_ms, 1, 10001);
	assert_int_equal(mine.failed_count, 1);

	/* What was stored of a cell is put right when it is given back. */
	store(3500, 3990);
	OK(claims_finish(db, &you, &yours.claim, NULL, NULL, &err));
	claim_release(&yours.claim);
	expect_view("1-500;3991-5200@one;7000-7000no node gives it;");
	claim_release(&mine.claim);

	struct reader_identity late = {.name = "three", .session = "u1"};

	OK(reader_rows_register(db, &late, "test", &err));
	OK(claims_take_next(db, &late, &all, NULL, &yours, &err));
	expect_set(&yours.claim.missing, "7000");
	claim_release(&yours.claim);

	/* A claim that ran out is anybody's; a renewed one is not. */
	run_sql("UPDATE gap_claims SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND");
	OK(claims_renew(db, &late, &err));
	OK(claims_take_next(db, &you, &all, NULL, &yours, &err));
	expect_set(&yours.claim.missing, "3991-3999");
	claim_release(&yours.claim);
	OK(range_parse(&working, "3991-3999", &err));
	OK(claims_take_next(db, &you, &all, &working, &yours, &err));
	expect_set(&yours.claim.missing, "4000-4999");
	claim_release(&yours.claim);
	range_add(&working, 4000, 4999);

	/* Cells in which nothing is missing any more go on the way. */
	store(1, 500);
	store(5000, 5200);
	OK(claims_take_next(db, &you, &all, &working, &yours, &err));
	assert_false(yours.has_claim);
	assert_int_equal(number("SELECT COUNT(*) FROM known_gaps WHERE first_block < 3991"), 0);

	/* One that it holds without knowing, because a reply was lost, is worked on at last. */
	range_remove(&working, 3991, 3999);
	OK(claims_take_next(db, &you, &all, &working, &yours, &err));
	expect_set(&yours.claim.missing, "3991-3999");
	assert_false(yours.is_taken_over);
	claim_release(&yours.claim);
	range_set_release(&working);
	range_set_release(&failed);
	range_set_release(&all);
}

static void claims_stay_within(void **state)
{
	struct range_set within = RANGE_SET_INIT;
	struct claim_search search;

	(void)state;
	record(1, 9999, "100-2500", false);
	OK(range_parse(&within, "150-160,1500-1505", &err));
	OK(claims_take_next(db, &me, &within, NULL, &search, &err));
	expect_set(&search.claim.missing, "1500-1505");
	assert_int_equal(search.missing_count, 17);
	OK(claims_finish(db, &me, &search.claim, NULL, NULL, &err));
	claim_release(&search.claim);
	assert_int_equal(number("SELECT SUM(last_block - first_block + 1) FROM known_gaps"), 2401);
	range_set_release(&within);
}

/* Cells of one gap that fail with one reason: each is tried once, not again at once for the others. */
static void each_cell_of_a_gap_is_tried_once(void **state)
{
	struct reader_identity readers[] = {{.name = "two", .session = "t1"},
					    {.name = "three", .session = "u1"}};
	struct range_set all = RANGE_SET_INIT;

	(void)state;
	OK(range_parse(&all, "1-100000", &err));
	record(1, 9999, "3900-5100", false);
	for (size_t i = 0; i < 2; i++) {
		unsigned tried = 0;
		struct claim_search search;

		OK(reader_rows_register(db, &readers[i], "test", &err));
		for (;; tried++) {
			OK(claims_take_next(db, &readers[i], &all, NULL, &search, &err));
			if (!search.has_claim || tried > 3)
				break;
			OK(claims_finish(db, &readers[i], &search.claim, &search.claim.missing,
					 "no node gives it", &err));
			claim_release(&search.claim);
		}
		assert_int_equal(tried, 3);
		assert_true(search.waits);
		assert_int_equal(search.failed_count, 1201);
		assert_int_equal(number("SELECT MAX(attempts) FROM known_gaps"), i + 1);
	}
	range_set_release(&all);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void a_million_blocks_are_scanned_and_the_view_stays_fast(void **state)
{
	struct range_set holes = RANGE_SET_INIT;
	uint32_t scanned_to = 0;
	uint32_t first = 1;
	int64_t began_ms;

	(void)state;
	make_numbers(1000000);
	/* In parts: a busy server must end each statement within the time-out of the connection. */
	for (unsigned part = 0; part < 20; part++) {
		char sql[500];

		snprintf(sql, sizeof(sql),
			 "INSERT INTO blocks (block, block_id, previous, timestamp, operations, "
			 "stored_operations, filter_id, reader_id, committed_at) "
			 "SELECT seq, UNHEX(LPAD(HEX(seq), 40, '0')), "
			 "UNHEX(LPAD(HEX(seq), 40, '0')), '2016-03-24 16:05:00', 0, 0, 1, 1, "
			 "UTC_TIMESTAMP(6) FROM numbers WHERE seq > %u AND seq <= %u "
			 "AND seq NOT IN (5, 500000, 500001, 999999)",
			 part * 50000, (part + 1) * 50000);
		run_sql(sql);
	}
	OK(wanted_ranges_open(db, 1, UINT32_MAX, &err));
	irreversible_is(1000010);
	began_ms = now_ms();
	while (first <= 1000010) {
		OK(gaps_scan_step(db, first, 1000010, &holes, &scanned_to, &err));
		first = scanned_to + 1;
	}
	print_message("scan of 10^6 blocks: %lld ms\n", (long long)(now_ms() - began_ms));
	expect_set(&holes, "5,500000-500001,999999,1000001-1000010");
	OK(gaps_record(db, 1, 1000010, &holes, true, &err));
	began_ms = now_ms();
	expect_view("5-5;500000-500001;999999-999999;1000001-1000010;");
	print_message("view gaps: %lld ms\n", (long long)(now_ms() - began_ms));
	/* The view reads blocks by a range of the key, never all of them. */
	irreversible_is(1000020);
	run_sql("FLUSH LOCAL STATUS");
	read_view((char[2000]){""});
	struct db_rows *rows =
		db_query(db, "SHOW LOCAL STATUS LIKE 'Handler_read_next'", DB_NO_VALUES, &err);

	assert_int_equal(db_rows_next(rows, &err), 1);
	assert_in_range(db_row_u64(rows, 1), 0, 1000);
	db_rows_free(rows);
	range_set_release(&holes);
}

static void a_step_of_a_scan_ends_at_ten_thousand_holes(void **state)
{
	struct range_set holes = RANGE_SET_INIT;
	uint32_t scanned_to = 0;
	uint32_t first = 1;
	unsigned steps = 0;

	(void)state;
	make_numbers(15000);
	run_sql("INSERT INTO blocks "
		"(block, block_id, previous, timestamp, operations, stored_operations, filter_id, "
		"reader_id, committed_at) "
		"SELECT seq * 2, REPEAT('x', 20), REPEAT('x', 20), "
		"'2016-03-24 16:05:00', 0, 0, 1, 1, UTC_TIMESTAMP(6) FROM numbers");
	while (first <= 30001) {
		OK(gaps_scan_step(db, first, 30001, &holes, &scanned_to, &err));
		OK(gaps_record(db, first, scanned_to, &holes, false, &err));
		first = scanned_to + 1;
		steps++;
	}
	assert_int_equal(steps, 2);
	assert_int_equal(range_count_blocks(&holes), 15001);
	assert_int_equal(number("SELECT COUNT(*) FROM known_gaps"), 15001);
	assert_int_equal(number("SELECT MAX(last_block) FROM known_gaps"), 30001);
	range_set_release(&holes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_view_shows_holes_at_both_ends_and_between),
		TEST(any_reason_can_be_recorded),
		TEST(ranges_never_overlap),
		TEST(a_range_that_began_above_the_chain),
		TEST(known_gaps_agree_with_a_model),
		TEST(claims_share_the_work),
		TEST(claims_stay_within),
		TEST(each_cell_of_a_gap_is_tried_once),
		TEST(a_step_of_a_scan_ends_at_ten_thousand_holes),
		TEST(a_million_blocks_are_scanned_and_the_view_stays_fast),
	};

	return cmocka_run_group_tests_name("gaps", tests, NULL, NULL);
}
