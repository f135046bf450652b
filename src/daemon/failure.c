/* SPDX-License-Identifier: MIT */
#include "daemon/failure.h"

#include "base/log.h"
#include "store/readers.h"
#include "sync/work.h"

/* The database's words for "you may not": access denied, command denied, and their kin. */
static bool is_about_rights(int code)
{
	switch (code) {
	case 1044:  /* no access to this database */
	case 1045:  /* wrong user or password */
	case 1142:  /* command denied on a table */
	case 1143:  /* on a column */
	case 1227:  /* a privilege is missing */
	case 1370:  /* routine */
	case 1698:  /* wrong way to authenticate */
	case 3118:  /* account locked: MySQL */
	case 3159:  /* only encrypted connections are let in */
	case 3955:  /* account blocked after wrong passwords: MySQL */
	case 4150:  /* the same: MariaDB */
	case 4151:  /* account locked: MariaDB */
	case 31004: /* not this queue or author: the procedures */
		return true;
	default:
		return false;
	}
}

enum exit_code failure_exit_code(const struct error *err)
{
	switch (err->kind) {
	case ERROR_NONE:
		return EXIT_OK;
	case ERROR_RETRY: /* tried again until the patience of a command ended */
		return is_about_rights(err->code) ? EXIT_NO_RIGHTS : EXIT_UNAVAILABLE;
	case ERROR_NODE:
		return EXIT_UNAVAILABLE;
	case ERROR_DATA:
		return EXIT_DATA_ERROR;
	case ERROR_CONFIG:
		if (err->code == WORK_OVER_USAGE)
			return EXIT_USAGE_ERROR;
		if (err->code == READER_OVER_FORGOTTEN || err->code == READER_OVER_NO_FILTER)
			return EXIT_UNAVAILABLE; /* the unit starts it again */
		return is_about_rights(err->code) ? EXIT_NO_RIGHTS : EXIT_BAD_CONFIG;
	case ERROR_FATAL:
		break;
	}
	return EXIT_BUG;
}

enum exit_code failure_report(const char *event, const struct error *err)
{
	log_error(event, "%s", err->text);
	return failure_exit_code(err);
}
