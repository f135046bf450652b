/* SPDX-License-Identifier: MIT */
/* What each test needs first: cmocka, and the headers that it wants before its own. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
