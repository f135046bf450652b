/* SPDX-License-Identifier: MIT */
#include "daemon/config_check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#define HOST_MAX_BYTES  253
#define LABEL_MAX_BYTES 63
#define DIGITS          "0123456789"
#define LETTERS         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* URLs. */

struct url {
	bool is_https;
	const char *user; /* ends at the '@'; NULL: none */
	size_t user_len;
	const char *host; /* with its brackets, if it has any */
	size_t host_len;
	const char *port; /* after the ':'; NULL: none */
	size_t port_len;
	const char *path; /* the rest */
};

static const char *scheme_fault(const char *url, size_t *ret_len)
{
	*ret_len = strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;
	if (*ret_len > 0)
		return NULL;
	if (strncasecmp(url, "ws://", 5) == 0 || strncasecmp(url, "wss://", 6) == 0)
		return "the websocket port of a node; the reader needs its HTTP port: http://HOST... or "
		       "https://HOST...";
	if (strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0)
		return "whose http:// or https:// is not in lower case";
	return "which does not begin with http:// or https://";
}

/* Split a URL, which may have faults, into its parts. */
static const char *split(const char *text, struct url *ret_url)
{
	size_t scheme_len;
	const char *fault = scheme_fault(text, &scheme_len);
	const char *at = text + scheme_len;
	const char *end;
	const char *host_end;

	if (fault)
		return fault;
	*ret_url = (struct url){.is_https = scheme_len == 8};
	end = at + strcspn(at, "/?#");
	ret_url->path = end;
	for (const char *sign; (sign = memchr(at, '@', (size_t)(end - at)));) {
		if (!ret_url->user)
			ret_url->user = at;
		ret_url->user_len = (size_t)(sign - ret_url->user);
		at = sign + 1;
	}
	ret_url->host = at;
	host_end = memchr(at, ':', (size_t)(end - at));
	if (*at == '[') {
		host_end = memchr(at, ']', (size_t)(end - at));
		if (!host_end)
			return "whose IPv6 address has no ']' at its end";
		host_end++;
		if (host_end < end && *host_end != ':')
			return "which has text between ']' and the port";
	}
	if (!host_end || host_end > end)
		host_end = end;
	ret_url->host_len = (size_t)(host_end - at);
	if (host_end < end) {
		ret_url->port = host_end + 1;
		ret_url->port_len = (size_t)(end - host_end - 1);
	}
	return NULL;
}

static const char *v6_fault(const struct url *url)
{
	char address[INET6_ADDRSTRLEN + 1] = "";
	struct in6_addr unused;
	/* "[fe80::1%25eth0]": the interface after '%' is not checked. */
	size_t len = strcspn(url->host + 1, "%]");

	if (len > INET6_ADDRSTRLEN)
		return "whose host is no IPv6 address";
	snprintf(address, sizeof(address), "%.*s", (int)len, url->host + 1);
	return inet_pton(AF_INET6, address, &unused) == 1 ? NULL : "whose host is no IPv6 address";
}

static const char *name_fault(const struct url *url)
{
	char host[HOST_MAX_BYTES + 1];
	const char *last;
	struct in_addr unused;
	size_t label_len = 0;

	if (url->host_len == 0)
		return "which has no host";
	if (url->host_len > HOST_MAX_BYTES)
		return "whose host is too long";
	snprintf(host, sizeof(host), "%.*s", (int)url->host_len, url->host);
	for (const char *at = host; *at != '\0'; at++) {
		/* A name in another script is converted by IDN. */
		if (!strchr(LETTERS DIGITS ".-_", *at) && (unsigned char)*at < 0x80)
			return "whose host has a character that no host name has";
		label_len = *at == '.' ? 0 : label_len + 1;
		if ((*at == '.' && (at == host || at[1] == '.')) || label_len > LABEL_MAX_BYTES)
			return "whose host has a part that is empty or too long";
	}
	/* A name whose last part is a number is an address. */
	last = strrchr(host, '.');
	last = last ? last + 1 : host;
	if (*last != '\0' && last[strspn(last, DIGITS)] == '\0' && inet_aton(host, &unused) == 0)
		return "whose host is no IPv4 address";
	return NULL;
}

static const char *port_fault(const struct url *url)
{
	unsigned long port;

	if (!url->port)
		return NULL;
	if (url->port_len == 0)
		return "which has no port behind its ':'";
	if (strspn(url->port, DIGITS) < url->port_len || url->port_len > 5)
		return "whose port is no number from 1 to 65535";
	port = strtoul(url->port, NULL, 10);
	return port >= 1 && port <= 65535 ? NULL : "whose port is no number from 1 to 65535";
}

const char *config_url_fault(const char *url)
{
	struct url parts;
	const char *fault;

	for (const char *at = url; *at != '\0'; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			return "which has white space or a control character";
	fault = split(url, &parts);
	if (!fault)
		fault = parts.host[0] == '[' ? v6_fault(&parts) : name_fault(&parts);
	if (!fault)
		fault = port_fault(&parts);
	if (!fault && strchr(parts.path, '#'))
		fault = "which has a '#'; in a password it is written %23";
	return fault;
}

char *config_url_shown(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *begin = scheme ? scheme + 3 : url;
	const char *sign = strrchr(url, '@');
	const char *end = begin + strcspn(begin, "/?#");
	const char *query;

	/* In a URL without faults the user ends before the path. In others it may end later. */
	if (!config_url_fault(url))
		sign = memrchr(begin, '@', (size_t)(end - begin));
	if (sign && sign < begin)
		sign = NULL;
	query = strpbrk(sign ? sign + 1 : begin, "?#");
	return xasprintf("%.*s%s%.*s%s", (int)(begin - url), url, sign ? "***@" : "",
			 query ? (int)(query + 1 - (sign ? sign + 1 : begin)) : 4096,
			 sign ? sign + 1 : begin, query && query[1] != '\0' ? "***" : "");
}

static unsigned long port_of(const struct url *url)
{
	if (url->port)
		return strtoul(url->port, NULL, 10);
	return url->is_https ? 443 : 80;
}

bool config_url_is_same(const char *a, const char *b)
{
	struct url one, two;

	if (split(a, &one) || split(b, &two))
		return false;
	return one.is_https == two.is_https && one.host_len == two.host_len &&
	       strncasecmp(one.host, two.host, one.host_len) == 0 &&
	       port_of(&one) == port_of(&two) && one.user_len == two.user_len &&
	       memcmp(one.user ? one.user : "", two.user ? two.user : "", one.user_len) == 0 &&
	       strcmp(one.path[0] == '/' && one.path[1] == '\0' ? "" : one.path,
		      two.path[0] == '/' && two.path[1] == '\0' ? "" : two.path) == 0;
}

/* Bytes. */

static bool has_mark(const char *bytes, size_t len)
{
	return len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
}

const char *config_password_fault(const char *password)
{
	size_t len = strlen(password);

	if (has_mark(password, len))
		return "begins with a byte-order mark, which would be part of the password; save it as "
		       "UTF-8 without one";
	if ((len > 0 && password[len - 1] == '\r') || strstr(password, "\r\n"))
		return "has a carriage return (CR) at its end, which would be part of the password; save "
		       "it with Unix line ends";
	if (strchr(password, '\n'))
		return "has more than one line, and all of them would be part of the password; leave the "
		       "password alone in it, without an empty line behind it";
	return NULL;
}

const char *config_bytes_fault(const char *bytes, size_t len)
{
	const char *end = bytes + len;

	if (has_mark(bytes, len))
		return "begins with a byte-order mark (EF BB BF); save it as UTF-8 without one";
	if (len >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
		return "is UTF-16; save it as UTF-8";
	if (len >= 2 && (bytes[0] == '\0') != (bytes[1] == '\0'))
		return "seems to be UTF-16; save it as UTF-8";
	if (memchr(bytes, '\0', len))
		return NULL; /* not text at all */
	/* A comment would continue to the next line feed, and swallow the options up to there. */
	for (const char *at = bytes; (at = memchr(at, '\r', (size_t)(end - at))); at++)
		if (at + 1 == end || at[1] != '\n')
			return "has carriage returns (CR) as line ends; save it with Unix line ends";
	return NULL;
}

const char *config_find_foreign(const char *text, unsigned *ret_line, size_t *ret_len)
{
	unsigned line = 1;

	for (const char *at = text; *at != '\0'; at++) {
		const char *end = NULL;

		if (*at == '#' || (at[0] == '/' && at[1] == '/')) {
			end = strchrnul(at, '\n');
		} else if (at[0] == '/' && at[1] == '*') {
			end = strstr(at + 2, "*/");
			end = end ? end + 1 : strchr(at, '\0') - 1;
		} else if (*at == '"') {
			for (end = at + 1; *end != '\0' && *end != '"'; end++)
				if (*end == '\\' && end[1] != '\0')
					end++;
		} else if ((unsigned char)*at >= 0x80) {
			const char *next = at;

			(void)text_next(&next, strchr(at, '\0'));
			*ret_line = line;
			*ret_len = (size_t)(next - at);
			return at;
		}
		for (; end && at < end && *at != '\0'; at++)
			line += *at == '\n';
		if (*at == '\0')
			break;
		line += *at == '\n';
	}
	return NULL;
}
