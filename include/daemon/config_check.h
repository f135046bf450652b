/* SPDX-License-Identifier: MIT */
/*
 * Checks of single texts of the configuration: URLs, passwords, the bytes of the file.
 * Pure.
 *
 * A fault is returned as words that continue "is \"...\", "; NULL: there is none.  The
 * surprise: a URL may contain a password or a key, so only the text of config_url_shown()
 * is ever shown.
 */
#ifndef DAEMON_CONFIG_CHECK_H
#define DAEMON_CONFIG_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The fault of a node's URL: it must have http:// or https://, a possible host and a possible
 * port.
 */
const char *config_url_fault(const char *url);
/*
 * The URL with "***" instead of user and password, and of everything after '?'.  The URL may
 * have faults.  The caller frees the text.
 */
char *config_url_shown(const char *url);
/* Do both URLs, which must have no faults, lead to the same place? */
bool config_url_is_same(const char *a, const char *b);

/*
 * The fault of a password, given without its line end: something that an editor or a copy has left
 * in it by mistake.  NULL: it has none.
 */
const char *config_password_fault(const char *password);
/* The fault of a configuration file whose bytes libconfig cannot read, or would misread. */
const char *config_bytes_fault(const char *bytes, size_t len);
/*
 * The first character outside of quotes and comments that is not ASCII, such as a curly quote;
 * NULL: none.
 */
const char *config_find_foreign(const char *text, unsigned *ret_line, size_t *ret_len);

#endif
