/* SPDX-License-Identifier: MIT */
#include "daemon/failure.h"

#include "base/log.h"
#include "store/db.h"

enum exit_code failure_exit_code(const struct error *err)
{
	switch (err->kind) {
	case ERROR_NONE:
		return EXIT_OK;
	case ERROR_RETRY: /* tried again until the patience of a command ended */
		return db_is_about_rights(err) ? EXIT_NO_RIGHTS : EXIT_UNAVAILABLE;
	case ERROR_NODE:
		return EXIT_UNAVAILABLE;
	case ERROR_DATA:
		return EXIT_DATA_ERROR;
	case ERROR_CONFIG:
		if (error_is(err, ERROR_CLASS_READER, READER_OVER_USAGE))
			return EXIT_USAGE_ERROR;
		if (error_is(err, ERROR_CLASS_READER, READER_OVER_FORGOTTEN) ||
		    error_is(err, ERROR_CLASS_READER, READER_OVER_NO_FILTER))
			return EXIT_UNAVAILABLE; /* the unit starts it again */
		return db_is_about_rights(err) ? EXIT_NO_RIGHTS : EXIT_BAD_CONFIG;
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
