/* SPDX-License-Identifier: MIT */
/*
 * What a node sends over its connections.  Input: one byte whose bits say after which answers the
 * server closes, then the bytes of the answers, parted by 0x1e.  A server in a thread of its own
 * gives one to each request; all are asked for with the same `struct http`.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "steem/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_ANSWERS 6
#define LIMIT_BYTES  100000
#define TIMEOUT_MS   20 /* an answer without an end takes so long */
#define PARTING      0x1e

static struct {
	int listener;
	char url[64];
	const uint8_t *at, *end; /* what is left of the input */
	unsigned closings;
	pthread_mutex_t lock;
} server = {.listener = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static unsigned done_count;

/* The next answer; false: the connection ends with it. */
static bool send_answer(int fd)
{
	const uint8_t *parting;
	bool must_close;

	pthread_mutex_lock(&server.lock);
	parting = server.at < server.end
			  ? memchr(server.at, PARTING, (size_t)(server.end - server.at))
			  : NULL;
	if (!parting)
		parting = server.end;
	(void)!send(fd, server.at, (size_t)(parting - server.at), MSG_NOSIGNAL | MSG_DONTWAIT);
	must_close = parting == server.end || (server.closings & 1);
	server.closings >>= 1;
	server.at = parting < server.end ? parting + 1 : server.end;
	pthread_mutex_unlock(&server.lock);
	return !must_close;
}

/* Each request is short and comes in one piece. */
static void *serve(void *context)
{
	struct pollfd fds[16] = {{.fd = server.listener, .events = POLLIN}};
	nfds_t count = 1;
	char request[4096];

	(void)context;
	for (;;) {
		if (poll(fds, count, -1) < 0)
			continue;
		for (nfds_t i = count - 1; i > 0; i--) {
			if (fds[i].revents == 0)
				continue;
			if (recv(fds[i].fd, request, sizeof(request), 0) > 0 &&
			    send_answer(fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i] = fds[--count];
		}
		if (fds[0].revents && count < sizeof(fds) / sizeof(fds[0])) {
			int fd = accept(server.listener, NULL, NULL);

			if (fd < 0)
				continue;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
			fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
	return NULL;
}

static void open_server(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);
	pthread_t thread;

	unsetenv("http_proxy");
	unsetenv("all_proxy");
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server.listener, (struct sockaddr *)&address, len) != 0 ||
	    listen(server.listener, 64) != 0 ||
	    getsockname(server.listener, (struct sockaddr *)&address, &len) != 0 ||
	    pthread_create(&thread, NULL, serve, NULL) != 0)
		abort();
	snprintf(server.url, sizeof(server.url), "http://127.0.0.1:%u/",
		 (unsigned)ntohs(address.sin_port));
}

static void take_answer(void *context, const struct http_answer *answer, const struct error *err)
{
	(void)context;
	done_count++;
	if (answer->len > LIMIT_BYTES || answer->body[answer->len] != '\0')
		abort();
	if (err)
		check_error(err);
}

static void ask(struct http *http)
{
	const struct http_post post = {.url = server.url,
				       .body = "[1]",
				       .len = 3,
				       .timeout_ms = TIMEOUT_MS,
				       .max_answer_bytes = LIMIT_BYTES,
				       .done = take_answer};
	struct error err = ERROR_INIT;

	http_post(http, &post);
	while (http_in_flight(http) > 0)
		if (http_wait(http, NULL, 0, 1000, &err) != 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct http *http;
	unsigned count = 1;

	if (size < 1)
		return 0;
	if (server.listener < 0)
		open_server();
	for (size_t i = 1; i < size && count < MOST_ANSWERS; i++)
		count += data[i] == PARTING;
	pthread_mutex_lock(&server.lock);
	server.at = data + 1;
	server.end = data + size;
	server.closings = data[0];
	pthread_mutex_unlock(&server.lock);
	http = http_new(4, "fuzz", &err);
	if (!http)
		abort();
	done_count = 0;
	for (unsigned i = 0; i < count; i++)
		ask(http);
	if (done_count != count)
		abort();
	http_free(http);
	pthread_mutex_lock(&server.lock);
	server.at = server.end = data; /* the bytes are libFuzzer's again */
	pthread_mutex_unlock(&server.lock);
	return 0;
}
