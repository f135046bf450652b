/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "worker/lease.h"

#define NOW 1000000

static void it_is_counted_from_before_the_claim(void **state)
{
	struct lease lease;

	(void)state;
	lease_start(&lease, 60, NOW);
	assert_int_equal(lease_end_at_ms(&lease), NOW + 60000);
	assert_int_equal(lease.renew_ms, NOW + 20000);
	assert_int_equal(lease_kill_at_ms(&lease), NOW + 58000);
	assert_int_equal(lease_term_at_ms(&lease), NOW + 56000);
	assert_int_equal(lease_guard_at_ms(&lease), NOW + 59000);
}

static void the_margin_fits_short_and_long_leases(void **state)
{
	static const unsigned leases_s[] = {1, 2, 3, 10, 60, 3600, 86400};
	struct lease lease;

	(void)state;
	for (unsigned i = 0; i < sizeof(leases_s) / sizeof(leases_s[0]); i++) {
		lease_start(&lease, leases_s[i], NOW);
		assert_true(lease.renew_ms < lease_term_at_ms(&lease));
		assert_true(lease_term_at_ms(&lease) < lease_kill_at_ms(&lease));
		assert_true(lease_end_at_ms(&lease) - lease_kill_at_ms(&lease) >= 100);
		assert_true(lease_end_at_ms(&lease) - lease_kill_at_ms(&lease) <= 2000);
	}
}

static void a_renewal_moves_everything(void **state)
{
	struct lease lease;

	(void)state;
	lease_start(&lease, 60, NOW);
	lease_renewed(&lease, NOW + 20500);
	assert_int_equal(lease_end_at_ms(&lease), NOW + 80500);
	assert_int_equal(lease.renew_ms, NOW + 40500);
	/* Nothing older than what is known. */
	lease_renewed(&lease, NOW + 10000);
	assert_int_equal(lease_end_at_ms(&lease), NOW + 80500);
}

static void a_failed_renewal_moves_no_deadline(void **state)
{
	struct lease lease;

	(void)state;
	lease_start(&lease, 60, NOW);
	lease_not_renewed(&lease, NOW + 25000);
	assert_int_equal(lease_end_at_ms(&lease), NOW + 60000);
	assert_false(lease_is_due(&lease, NOW + 25500));
	assert_true(lease_is_due(&lease, NOW + 27000));
}

static void it_is_due_a_little_early(void **state)
{
	struct lease lease;

	(void)state;
	lease_start(&lease, 60, NOW);
	assert_false(lease_is_due(&lease, NOW + 18999));
	assert_true(lease_is_due(&lease, NOW + 19000));
}

static void an_old_claim_is_not_begun(void **state)
{
	struct lease lease;

	(void)state;
	lease_start(&lease, 60, NOW);
	assert_true(lease_is_worth_starting(&lease, NOW + 29999));
	assert_false(lease_is_worth_starting(&lease, NOW + 30000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_counted_from_before_the_claim),
		cmocka_unit_test(the_margin_fits_short_and_long_leases),
		cmocka_unit_test(a_renewal_moves_everything),
		cmocka_unit_test(a_failed_renewal_moves_no_deadline),
		cmocka_unit_test(it_is_due_a_little_early),
		cmocka_unit_test(an_old_claim_is_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
