/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/mem.h"
#include "base/metric.h"

static void a_value_has_its_help_and_its_type(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_INIT(4096);
	struct metric_page page = {.buf = &buf, .prefix = "our_"};

	(void)state;
	metric_counter(&page, "things_total", "Things so far.", 4294967295.0);
	metric_gauge(&page, "age_seconds", "How old.", 0.1);
	metric_begin(&page, "up", METRIC_GAUGE, "Which are up.");
	metric_labelled(&page, "node", "x", 1);
	metric_labelled(&page, "node", "y", 0);
	assert_string_equal(buf_text(&buf), "# HELP our_things_total Things so far.\n"
					    "# TYPE our_things_total counter\n"
					    "our_things_total 4294967295\n"
					    "# HELP our_age_seconds How old.\n"
					    "# TYPE our_age_seconds gauge\n"
					    "our_age_seconds 0.1\n"
					    "# HELP our_up Which are up.\n"
					    "# TYPE our_up gauge\n"
					    "our_up{node=\"x\"} 1\n"
					    "our_up{node=\"y\"} 0\n");
}

static void labels_are_escaped(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_INIT(4096);
	struct metric_page page = {.buf = &buf, .prefix = "", .family = "n"};
	struct metric_label labels[] = {{"a", "x\\y\"z\n"}, {"b", "\xc3\xbc\x01"}};

	(void)state;
	metric_sample(&page, labels, 2, -1);
	assert_string_equal(buf_text(&buf), "n{a=\"x\\\\y\\\"z\\n\",b=\"???\"} -1\n");
}

static void a_histogram_counts_up_to_each_end(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_INIT(4096);
	struct metric_page page = {.buf = &buf, .prefix = "", .family = "d"};
	struct metric_histogram histogram = {.sum_us = 0};
	struct metric_label label = {"node", "x"};

	(void)state;
	metric_observe(&histogram, 5000); /* an end belongs to its bucket */
	metric_observe(&histogram, 5001);
	metric_observe(&histogram, 300000);
	metric_observe(&histogram, 10000001);
	metric_observe(&histogram, -7); /* a clock that went back */
	metric_histogram_samples(&page, &label, &histogram);
	assert_non_null(strstr(buf_text(&buf), "d_bucket{le=\"0.005\",node=\"x\"} 2\n"
					       "d_bucket{le=\"0.01\",node=\"x\"} 3\n"
					       "d_bucket{le=\"0.025\",node=\"x\"} 3\n"));
	assert_non_null(strstr(buf_text(&buf), "d_bucket{le=\"0.25\",node=\"x\"} 3\n"
					       "d_bucket{le=\"0.5\",node=\"x\"} 4\n"));
	assert_non_null(strstr(buf_text(&buf), "d_bucket{le=\"10\",node=\"x\"} 4\n"
					       "d_bucket{le=\"+Inf\",node=\"x\"} 5\n"
					       "d_sum{node=\"x\"} 10.310002\n"
					       "d_count{node=\"x\"} 5\n"));
}

static void what_does_not_fit_is_seen(void **state)
{
	CLEANUP(buf_release) struct buf buf = BUF_INIT(10);
	struct metric_page page = {.buf = &buf, .prefix = "our_"};

	(void)state;
	metric_counter(&page, "things_total", "Things so far.", 1);
	assert_true(buf.is_full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_has_its_help_and_its_type),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(a_histogram_counts_up_to_each_end),
		cmocka_unit_test(what_does_not_fit_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
