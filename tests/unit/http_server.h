/* SPDX-License-Identifier: MIT */
/* A small HTTP server with its own threads; the path of a request says how it behaves. */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

#define CONNECTIONS_MAX 512

/* "[", 99,998 spaces and "]", packed with gzip */
static const char packed[] =
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x41\x11\x00\x00\x0c\x02\xa0\x2a\xeb\xe5"
	"\xad\x7f\x0d\x6b\xf8\x00\x72\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc0\xa8\x2f\xbe\xde\x6d\x95"
	"\xa0\x86\x01\x00";
#define PACKED_LEN (sizeof(packed) - 1)

struct server {
	int listener;
	uint16_t port;
	pthread_t thread;
	pthread_t workers[CONNECTIONS_MAX];
	int sockets[CONNECTIONS_MAX];
	atomic_uint connection_count;
	atomic_uint request_count;
	atomic_int close_after_us; /* of /close */
	atomic_bool keeps;         /* what /close is about: it does not close */
	atomic_uint lost_count;    /* requests that /close got and closed upon */
	atomic_uint silent_below;  /* so many connections, the oldest, answer nothing any more */
	pthread_mutex_t lock;      /* for the next one, which several connections write */
	char last_request[1024];   /* its head; see server_was_sent() */
};

static struct server server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes += sent;
		len -= (size_t)sent;
	}
}

/* `first`, and then `more` until the client has enough; a row of `more` is sent at once. */
static void send_without_end(int fd, const char *first, const char *more, size_t more_len)
{
	struct buf row = BUF_INIT(1 << 17);

	while (row.len < 1 << 16 && buf_add(&row, more, more_len) == 0)
		;
	send_all(fd, first, strlen(first));
	while (send(fd, row.data, row.len, MSG_NOSIGNAL) > 0)
		;
	buf_release(&row);
}

/* Ways to send bytes for ever that are no part of a body; false: the path is none of them. */
static bool serve_without_end(int fd, const char *path)
{
	static const struct {
		const char *path, *first, *more;
		size_t more_len;
	} ways[] = {
		{"/trailers",
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n",
		 "trailer: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", 57},
		{"/headers", "HTTP/1.1 200 OK\r\n", "a: b\r\n", 6},
		{"/folds", "HTTP/1.1 200 OK\r\na: b\r\n", " c\r\n", 4},
		{"/interim", "", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", 39},
		{"/line", "HTTP/1.1 200 OK\r\na: ", "b", 1},
		{"/before", "", "b", 1},
		{"/extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;", "b", 1},
		/* blocks of deflate that hold nothing */
		{"/blocks", "HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n\x78\x9c",
		 "\0\0\0\xff\xff", 5},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(path, ways[i].path) != 0)
			continue;
		send_without_end(fd, ways[i].first, ways[i].more, ways[i].more_len);
		return true;
	}
	return false;
}

/* As a steemd without a proxy answers: it closes, and does not say so. */
static void reply_as_steemd(int fd, const char *body, size_t len)
{
	char head[256];

	snprintf(head, sizeof(head),
		 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nContent-Type: application/json\r\n"
		 "Server: WebSocket++/0.8.1\r\n\r\n",
		 len);
	send_all(fd, head, strlen(head));
	send_all(fd, body, len);
	if (server.keeps)
		return;
	if (server.close_after_us > 0)
		usleep((useconds_t)server.close_after_us);
	if (recv(fd, (char[1]){0}, 1, MSG_DONTWAIT) > 0)
		server.lost_count++;
}

static void reply(int fd, const char *status, const char *headers, const char *body, size_t len)
{
	char head[512];

	snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status, len,
		 headers);
	send_all(fd, head, strlen(head));
	send_all(fd, body, len);
}

/* Answer one request; false: close the connection. */
static bool serve(int fd, const char *path, const char *body, size_t len, unsigned served)
{
	static const char json[] = "Content-Type: application/json\r\n";

	if (!strcmp(path, "/echo")) {
		reply(fd, "200 OK", json, body, len);
	} else if (!strcmp(path, "/close")) {
		reply_as_steemd(fd, body, len);
		return server.keeps;
	} else if (!strcmp(path, "/fold")) { /* the first line continues one that is not there */
		char fold[2048] = "HTTP/1.1 200 OK\r\n fold: ";

		memset(fold + strlen(fold), 'A', 1500);
		send_all(fd, fold, strlen(fold));
		send_all(fd, "\r\nContent-Length: 3\r\n\r\n[1]", 26);
	} else if (!strcmp(path, "/zstd")) {
		reply(fd, "200 OK", "Content-Encoding: gzip, zstd\r\n", body, len);
	} else if (!strcmp(path, "/brotli")) {
		reply(fd, "200 OK", "transfer-encoding:br\r\n", body, len);
	} else if (serve_without_end(fd, path)) {
		return false;
	} else if (!strcmp(path, "/once")) { /* the second request finds the connection dead */
		if (served > 0)
			return false;
		reply(fd, "200 OK", json, body, len);
	} else if (!strcmp(path, "/cut")) {
		send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,", 43);
		return false;
	} else if (!strcmp(path, "/gzip")) {
		reply(fd, "200 OK", "Content-Encoding: gzip\r\n", packed, PACKED_LEN);
	} else if (!strcmp(path, "/badzip")) {
		reply(fd, "200 OK", "Content-Encoding: gzip\r\n", "[1]", 3);
	} else if (!strcmp(path, "/busy")) {
		reply(fd, "429 Too Many Requests", "Retry-After: 7\r\n", "", 0);
	} else if (!strcmp(path, "/past")) {
		reply(fd, "503 Later", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", "", 0);
	} else if (!strcmp(path, "/minus")) {
		reply(fd, "503 Later", "Retry-After: -9223372036854775807\r\n", "", 0);
	} else if (!strcmp(path, "/moved")) {
		reply(fd, "301 Moved", "Location: /echo\r\n", "", 0);
	} else if (!strcmp(path, "/large")) {
		reply(fd, "413 ", "", "", 0);
	} else if (!strcmp(path, "/page")) {
		reply(fd, "502 Bad Gateway", "Content-Type: text/html\r\n",
		      "<title>502 Bad</title>", 22);
	} else if (!strcmp(path, "/silent")) {
		return recv(fd, (char[1]){0}, 1, 0) > 0; /* until the client goes away */
	} else {
		return false;
	}
	return true;
}

/* Read up to the end of the head, then the body; false at the end of the connection. */
static bool read_request(int fd, struct buf *in, char path[64], size_t *ret_body_at)
{
	char bytes[4096];

	for (;;) {
		const char *end = in->data ? strstr(in->data, "\r\n\r\n") : NULL;
		const char *length = end ? strcasestr(in->data, "\r\nContent-Length:") : NULL;
		ssize_t got;

		if (end) {
			size_t need = length ? strtoul(length + 17, NULL, 10) : 0;

			*ret_body_at = (size_t)(end + 4 - in->data);
			if (in->len >= *ret_body_at + need)
				return sscanf(in->data, "POST %63s HTTP/1.1", path) == 1;
		}
		got = recv(fd, bytes, sizeof(bytes), 0);
		if (got <= 0 || (in->len == 0 && *bytes != 'P') ||
		    buf_add(in, bytes, (size_t)got) != 0)
			return false;
	}
}

/* Did the head of the last request have these words, in capitals or not? */
static bool server_was_sent(const char *words)
{
	bool was_sent;

	pthread_mutex_lock(&server.lock);
	was_sent = strcasestr(server.last_request, words) != NULL;
	pthread_mutex_unlock(&server.lock);
	return was_sent;
}

static void *serve_connection(void *context)
{
	int fd = *(int *)context;
	unsigned index = (unsigned)((int *)context - server.sockets);
	struct buf in = BUF_INIT(1 << 20);
	char path[64];
	size_t body_at;

	for (unsigned served = 0; read_request(fd, &in, path, &body_at); served++) {
		server.request_count++;
		pthread_mutex_lock(&server.lock);
		snprintf(server.last_request, sizeof(server.last_request), "%.*s", (int)body_at,
			 in.data);
		pthread_mutex_unlock(&server.lock);
		if (index < server.silent_below)
			snprintf(path, sizeof(path), "/silent");
		if (!serve(fd, path, in.data + body_at, in.len - body_at, served))
			break;
		buf_reset(&in);
	}
	buf_release(&in);
	shutdown(fd, SHUT_RDWR);
	return NULL;
}

static void *accept_connections(void *context)
{
	(void)context;
	for (;;) {
		int fd = accept(server.listener, NULL, NULL);
		unsigned i = atomic_load(&server.connection_count);

		if (fd < 0 || i == CONNECTIONS_MAX)
			return NULL;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		server.sockets[i] = fd;
		atomic_store(&server.connection_count, i + 1); /* before anything is answered */
		pthread_create(&server.workers[i], NULL, serve_connection, &server.sockets[i]);
	}
}

static int open_server(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);

	(void)state;
	memset(&server, 0, sizeof(server));
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.listener, (struct sockaddr *)&address, len) != 0 ||
	    listen(server.listener, 64) != 0 ||
	    getsockname(server.listener, (struct sockaddr *)&address, &len) != 0)
		return -1;
	server.port = ntohs(address.sin_port);
	return pthread_create(&server.thread, NULL, accept_connections, NULL);
}

static int close_server(void **state)
{
	(void)state;
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
	for (unsigned i = 0; i < server.connection_count; i++) {
		shutdown(server.sockets[i], SHUT_RDWR);
		pthread_join(server.workers[i], NULL);
		close(server.sockets[i]);
	}
	return 0;
}

#endif
