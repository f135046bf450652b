/* SPDX-License-Identifier: MIT */
#include "daemon/metrics_http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define MAX_CONNECTIONS  32
#define MAX_PER_ADDRESS  16 /* a monitor, a few people, and more behind a proxy */
#define CONNECTION_BYTES 8192
#define IDLE_TIMEOUT_S   5U
#define LIFETIME_MS      10000 /* of a connection: one request, one answer */
#define BACKLOG          32
#define RUNS_A_STEP      8
#define MAX_BODY_BYTES   ((size_t)1024 * 1024)
#define MAX_LISTEN_BYTES 64

struct client_connection {
	int fd;
	int64_t until_ms;
};

struct metrics_http {
	struct MHD_Daemon *daemon;
	int fd; /* the library's epoll descriptor */
	metrics_http_page_fn *page;
	void *context;
	struct client_connection connections[MAX_CONNECTIONS];
	unsigned connection_count;
	char where[MAX_LISTEN_BYTES + 8];
};

/* Addresses. */

bool metrics_http_parse(const char *listen, struct metrics_http_address *ret_address)
{
	const char *colon = strrchr(listen, ':');
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found;
	char host[MAX_LISTEN_BYTES];
	size_t host_len = colon ? (size_t)(colon - listen) : 0;
	bool is_v6 = listen[0] == '[';

	if (host_len == 0 || host_len >= sizeof(host) || strlen(colon + 1) > 5 ||
	    colon[1 + strspn(colon + 1, "0123456789")] != '\0' || colon[1] == '\0' ||
	    strtol(colon + 1, NULL, 10) > UINT16_MAX)
		return false;
	if (is_v6 && (host_len < 3 || listen[host_len - 1] != ']'))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(is_v6 ? host_len - 2 : host_len),
		 is_v6 ? listen + 1 : listen);
	hints.ai_family = is_v6 ? AF_INET6 : AF_INET;
	/* No name is looked up: this could take long, and the answer could be anything. */
	if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, colon + 1, &hints,
			&found) != 0)
		return false;
	memcpy(&ret_address->storage, found->ai_addr, found->ai_addrlen);
	ret_address->len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static void describe_address(int fd, char *text, size_t size)
{
	struct metrics_http_address address = {.len = sizeof(address.storage)};
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address.storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address.storage;
	char host[INET6_ADDRSTRLEN] = "?";

	getsockname(fd, (struct sockaddr *)&address.storage, &address.len);
	if (address.storage.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(v4->sin_port));
	}
}

/* We open the socket ourselves, because libmicrohttpd would not say why it cannot listen. */
static int open_socket(const char *listen_at, struct error *err)
{
	struct metrics_http_address address;
	int one = 1;
	int fd;

	if (!metrics_http_parse(listen_at, &address))
		return error_set(err, ERROR_CONFIG, "%s is no address to listen at", listen_at);
	fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set_errno(err, ERROR_RETRY, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address.storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&address.storage, address.len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	(void)error_set_errno(err, ERROR_RETRY, "cannot listen at %s", listen_at);
	close(fd);
	return -1;
}

/* Answers. */

/* Takes the body. One request per connection, so that its lifetime can be limited. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, struct buf *body,
			      const char *type)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		body->len, body->data, body->data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response) {
		buf_release(body);
		return MHD_NO;
	}
	buf_init(body, 0);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_bytes, void **request)
{
	struct metrics_http *http = context;
	struct buf body = BUF_INIT(MAX_BODY_BYTES);
	const char *type = "text/plain; charset=utf-8";
	unsigned status;

	/* Answer when the headers have arrived, without waiting for anything else that is sent. */
	(void)version;
	(void)upload;
	(void)upload_bytes;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
		(void)buf_add_text(&body, "only GET and HEAD\n");
	} else {
		status = http->page(http->context, path, &body, &type);
	}
	return answer(connection, status, &body, type);
}

/* Connections. */

static int connection_fd(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

static void note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			    enum MHD_ConnectionNotificationCode what)
{
	struct metrics_http *http = context;
	int fd = connection_fd(connection);

	(void)socket_context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		if (http->connection_count < MAX_CONNECTIONS)
			http->connections[http->connection_count++] = (struct client_connection){
				.fd = fd, .until_ms = clock_now_ms() + LIFETIME_MS};
		return;
	}
	for (unsigned i = 0; i < http->connection_count; i++)
		if (http->connections[i].fd == fd) {
			http->connections[i] = http->connections[--http->connection_count];
			return;
		}
}

/* The library's own time-out begins again with each byte. */
static void end_old_connections(struct metrics_http *http)
{
	int64_t now_ms = clock_now_ms();

	for (unsigned i = 0; i < http->connection_count; i++)
		if (now_ms >= http->connections[i].until_ms) {
			shutdown(http->connections[i].fd, SHUT_RDWR);
			http->connections[i].until_ms =
				INT64_MAX; /* it is closed in the next run */
		}
}

/* Public functions. */

struct metrics_http *metrics_http_open(const char *listen_at, metrics_http_page_fn *page,
				       void *context, struct error *err)
{
	struct metrics_http *http = xcalloc(1, sizeof(*http));
	const union MHD_DaemonInfo *info;
	int fd = open_socket(listen_at, err);

	if (fd < 0) {
		free(http);
		return NULL;
	}
	http->page = page;
	http->context = context;
	describe_address(fd, http->where, sizeof(http->where));
	http->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, handle, http, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)MAX_PER_ADDRESS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_NOTIFY_CONNECTION,
		note_connection, http, MHD_OPTION_END);
	info = http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		(void)error_set(err, ERROR_RETRY, "libmicrohttpd cannot serve at %s", http->where);
		if (!http->daemon)
			close(fd);
		metrics_http_close(http);
		return NULL;
	}
	http->fd = info->epoll_fd;
	return http;
}

void metrics_http_close(struct metrics_http *http)
{
	if (!http)
		return;
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	free(http);
}

const char *metrics_http_where(const struct metrics_http *http)
{
	return http->where;
}

int metrics_http_fd(const struct metrics_http *http)
{
	return http->fd;
}

/* The descriptor does not show data that the library has read already: then this returns 0. */
int64_t metrics_http_next_timeout_ms(const struct metrics_http *http)
{
	MHD_UNSIGNED_LONG_LONG left_ms;

	if (MHD_get_timeout(http->daemon, &left_ms) != MHD_YES)
		return -1;
	return left_ms < INT64_MAX ? (int64_t)left_ms : INT64_MAX;
}

void metrics_http_step(struct metrics_http *http)
{
	end_old_connections(http);
	for (unsigned i = 0; i < RUNS_A_STEP; i++) {
		MHD_run(http->daemon);
		if (metrics_http_next_timeout_ms(http) != 0)
			break;
	}
}
