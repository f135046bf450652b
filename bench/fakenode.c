/* SPDX-License-Identifier: MIT */
/*
 * A fast simulated node for measuring: condenser_api.get_block, get_dynamic_global_properties,
 * get_witness_by_account and broadcast_transaction over HTTP/1.1, kept connections, batches.
 *
 *   fakenode CORPUS --port 0 --irreversible N [--delay MS] [--interval MS] [--close-after US]
 *
 * CORPUS: see fakechain.h.  --interval makes the irreversible block advance; each block is printed when
 * it becomes readable.  The surprise: half of --delay passes before a request is looked
 * at, half after, as on a real line.  --close-after: as a steemd without a proxy, it closes each
 * connection so long after its answer, does not say so, and reads nothing more.
 *
 * A transaction is known by the number in its custom_json, [N]: when it comes first, "received N" is printed with
 * the time; later it is a duplicate.  It is not checked, and gets into no block.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fakechain.h"

#define HEAD_AHEAD   17
#define SEND_BUFFER  (8 << 20) /* a smaller one stalls large answers by 40 ms each */
#define HEADER_BYTES 192
#define TRXS_MAX     (1 << 20)

enum stage { STAGE_READING, STAGE_ON_THE_WAY, STAGE_COMING_BACK, STAGE_SENDING, STAGE_ENDING };

struct connection {
	int fd;
	enum stage stage;
	bool is_closed; /* while it stands in a queue */
	struct text in;
	struct text out;
	size_t request_len;
	size_t body_at;
	size_t sent;
	size_t out_from;
	int64_t due_us;
	struct connection *next;
};

/* Every delay is the same: who came first is due first. */
struct line {
	struct connection *first;
	struct connection *last;
};

static struct {
	uint32_t irreversible;
	int64_t half_delay_us;
	int64_t close_after_us; /* negative: connections are kept */
	int64_t interval_us;
	int64_t live_since_us; /* wall clock */
	uint32_t told;
	int epoll_fd;
	struct line there;
	struct line back;
	struct line ending;
	unsigned long long requests;
	unsigned long long calls;
	bool has_trx[TRXS_MAX];
} node;

static volatile sig_atomic_t must_end;

static void end_soon(int number)
{
	(void)number;
	must_end = 1;
}

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint32_t irreversible_now(void)
{
	int64_t passed_us;

	if (node.interval_us == 0)
		return node.irreversible;
	passed_us = clock_us(CLOCK_REALTIME) - node.live_since_us;
	return node.irreversible + (uint32_t)(passed_us / node.interval_us);
}

static void add_head(struct text *out)
{
	uint32_t irreversible = irreversible_now();
	uint32_t head = irreversible + HEAD_AHEAD;

	text_addf(out, "{\"head_block_number\":%u,\"head_block_id\":\"", head);
	chain_add_id(out, head);
	text_addf(out, "\",\"time\":\"");
	chain_add_time(out, head);
	text_addf(out, "\",\"last_irreversible_block_num\":%u}", irreversible);
}

/* Requests. */

/* The text behind "key": inside one call; NULL: none. */
static const char *find_value(const char *call, size_t len, const char *key)
{
	const char *at = memmem(call, len, key, strlen(key));

	if (!at)
		return NULL;
	at += strlen(key);
	while (*at == ' ' || *at == ':')
		at++;
	return at;
}

static size_t id_length(const char *id)
{
	return *id == '"' ? (size_t)(strchr(id + 1, '"') - id) + 1 : strspn(id, "0123456789.-");
}

static void answer_broadcast(struct text *out, const char *call, size_t len)
{
	const char *json = find_value(call, len, "\"json\"");
	unsigned long num = json ? strtoul(json + strcspn(json, "0123456789"), NULL, 10) : TRXS_MAX;

	if (num >= TRXS_MAX) {
		text_addf(out, "\"error\":{\"code\":-32602,\"message\":\"no number\"}");
	} else if (node.has_trx[num]) {
		text_addf(out, "\"error\":{\"code\":-32000,\"message\":\"Assert Exception:"
			       "Duplicate transaction check failed\"}");
	} else {
		node.has_trx[num] = true;
		printf("received %lu %lld\n", num, (long long)clock_us(CLOCK_REALTIME));
		text_addf(out, "\"result\":{}");
	}
}

static void answer_call(struct text *out, const char *call, size_t len)
{
	const char *id = find_value(call, len, "\"id\"");
	const char *params = find_value(call, len, "\"params\"");

	node.calls++;
	text_addf(out, "{\"jsonrpc\":\"2.0\",");
	if (memmem(call, len, "get_dynamic_global", 18)) {
		text_addf(out, "\"result\":");
		add_head(out);
	} else if (memmem(call, len, "get_block\"", 10) && params) {
		uint32_t num = (uint32_t)strtoul(params + strcspn(params, "0123456789"), NULL, 10);

		text_addf(out, "\"result\":");
		if (num == 0 || num > irreversible_now() + HEAD_AHEAD)
			text_addf(out, "null");
		else
			chain_add_block(out, num);
	} else if (memmem(call, len, "get_witness_by_account\"", 23) && params) {
		const char *name = params + strcspn(params, "\"") + 1;
		size_t name_len = strcspn(name, "\"");

		text_addf(out, "\"result\":{\"owner\":\"%.*s\",\"signing_key\":", (int)name_len,
			  name);
		chain_add_signing_key(out, name, name_len);
		text_addf(out, "}");
	} else if (memmem(call, len, "broadcast_transaction\"", 22)) {
		answer_broadcast(out, call, len);
	} else {
		text_addf(out, "\"error\":{\"code\":-32601,\"message\":\"method not found\"}");
	}
	text_addf(out, ",\"id\":%.*s}", id ? (int)id_length(id) : 4, id ? id : "null");
}

/* Where the object that begins at `at` ends (behind it). */
static const char *object_end(const char *at)
{
	int depth = 0;
	bool in_text = false;

	for (; *at; at++) {
		if (in_text && *at == '\\' && at[1])
			at++;
		else if (*at == '"')
			in_text = !in_text;
		else if (!in_text && *at == '{')
			depth++;
		else if (!in_text && *at == '}' && --depth == 0)
			return at + 1;
	}
	return at;
}

static void answer_body(struct text *out, const char *body)
{
	bool is_batch = body[strspn(body, " \r\n\t")] == '[';
	const char *call = strchr(body, '{');
	bool is_first = true;

	if (is_batch)
		text_add(out, "[", 1);
	while (call) {
		const char *end = object_end(call);

		if (!is_first)
			text_add(out, ",", 1);
		answer_call(out, call, (size_t)(end - call));
		is_first = false;
		call = is_batch ? strchr(end, '{') : NULL;
	}
	if (is_batch)
		text_add(out, "]", 1);
}

/* The header is written before the body, right-aligned, once its length is known. */
static void build_answer(struct connection *connection)
{
	char header[HEADER_BYTES];
	char *body = connection->in.data + connection->body_at;
	char behind = connection->in.data[connection->request_len];
	int len;

	connection->in.data[connection->request_len] = '\0';
	connection->out.len = 0;
	text_room(&connection->out, HEADER_BYTES);
	connection->out.len = HEADER_BYTES;
	answer_body(&connection->out, body);
	connection->in.data[connection->request_len] = behind;
	len = snprintf(
		header, sizeof(header),
		"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nContent-Type: application/json\r\n"
		"Server: WebSocket++/0.8.1\r\n\r\n",
		connection->out.len - HEADER_BYTES);
	connection->out_from = HEADER_BYTES - (size_t)len;
	memcpy(connection->out.data + connection->out_from, header, (size_t)len);
	connection->sent = connection->out_from;
	memmove(connection->in.data, connection->in.data + connection->request_len,
		connection->in.len - connection->request_len);
	connection->in.len -= connection->request_len;
	node.requests++;
}

/* Connections. */

static void close_connection(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	connection->is_closed = true;
	if (connection->stage == STAGE_ON_THE_WAY || connection->stage == STAGE_COMING_BACK ||
	    connection->stage == STAGE_ENDING)
		return; /* freed when it leaves its queue */
	free(connection->in.data);
	free(connection->out.data);
	free(connection);
}

static void watch(struct connection *connection, uint32_t events, int operation)
{
	struct epoll_event event = {.events = events, .data.ptr = connection};

	if (epoll_ctl(node.epoll_fd, operation, connection->fd, &event) != 0)
		die("epoll_ctl");
}

static void line_join(struct line *line, struct connection *connection, enum stage stage,
		      int64_t delay_us)
{
	connection->stage = stage;
	connection->due_us = clock_us(CLOCK_MONOTONIC) + delay_us;
	connection->next = NULL;
	if (line->last)
		line->last->next = connection;
	else
		line->first = connection;
	line->last = connection;
}

static struct connection *line_leave(struct line *line)
{
	struct connection *connection = line->first;

	if (!connection || connection->due_us > clock_us(CLOCK_MONOTONIC))
		return NULL;
	line->first = connection->next;
	if (!line->first)
		line->last = NULL;
	return connection;
}

/* True when a whole request is there. */
static bool find_request(struct connection *connection)
{
	const char *end, *length;

	if (connection->in.len == 0)
		return false;
	*text_room(&connection->in, 1) = '\0';
	end = strstr(connection->in.data, "\r\n\r\n");
	if (!end)
		return false;
	length = strcasestr(connection->in.data, "content-length:");
	connection->body_at = (size_t)(end + 4 - connection->in.data);
	connection->request_len =
		connection->body_at + (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
	return connection->in.len >= connection->request_len;
}

static void send_some(struct connection *connection);

static void look_at_input(struct connection *connection)
{
	if (connection->stage != STAGE_READING || !find_request(connection))
		return;
	if (node.half_delay_us > 0) {
		line_join(&node.there, connection, STAGE_ON_THE_WAY, node.half_delay_us);
		return;
	}
	build_answer(connection);
	send_some(connection);
}

static void send_some(struct connection *connection)
{
	bool was_sending = connection->stage == STAGE_SENDING;
	ssize_t sent;

	connection->stage = STAGE_SENDING;
	while (connection->sent < connection->out.len) {
		sent = send(connection->fd, connection->out.data + connection->sent,
			    connection->out.len - connection->sent, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN) {
			if (!was_sending)
				watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
			return;
		}
		if (sent < 0) {
			close_connection(connection);
			return;
		}
		connection->sent += (size_t)sent;
	}
	if (node.close_after_us >= 0) {
		watch(connection, 0, EPOLL_CTL_DEL);
		line_join(&node.ending, connection, STAGE_ENDING, node.close_after_us);
		return;
	}
	if (was_sending)
		watch(connection, EPOLLIN, EPOLL_CTL_MOD);
	connection->stage = STAGE_READING;
	look_at_input(connection);
}

static void receive(struct connection *connection)
{
	for (;;) {
		ssize_t got = recv(connection->fd, text_room(&connection->in, 65536), 65535, 0);

		if (got < 0 && errno == EAGAIN)
			break;
		if (got <= 0) {
			close_connection(connection);
			return;
		}
		connection->in.len += (size_t)got;
	}
	look_at_input(connection);
}

static void serve_lines(void)
{
	struct connection *connection;

	while ((connection = line_leave(&node.there))) {
		if (!connection->is_closed)
			build_answer(connection);
		line_join(&node.back, connection, STAGE_COMING_BACK, node.half_delay_us);
	}
	while ((connection = line_leave(&node.back))) {
		connection->stage = STAGE_READING;
		if (connection->is_closed)
			close_connection(connection);
		else
			send_some(connection);
	}
	while ((connection = line_leave(&node.ending))) {
		connection->stage = STAGE_READING;
		close_connection(connection);
	}
}

static void accept_all(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));
		int one = 1;

		if (!connection)
			die("memory");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		connection->fd = fd;
		watch(connection, EPOLLIN, EPOLL_CTL_ADD);
	}
}

/* Start and loop. */

static int listen_on(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int size = SEND_BUFFER;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)); /* inherited */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 256) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		die("listen");
	printf("port %d\n", ntohs(address.sin_port));
	return fd;
}

static struct timespec next_timeout(void)
{
	const struct line *const lines[] = {&node.there, &node.back, &node.ending};
	int64_t now_us = clock_us(CLOCK_MONOTONIC);
	int64_t least_us = 1000000;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i]->first && lines[i]->first->due_us - now_us < least_us)
			least_us = lines[i]->first->due_us - now_us;
	if (least_us < 0)
		least_us = 0;
	return (struct timespec){.tv_sec = least_us / 1000000,
				 .tv_nsec = least_us % 1000000 * 1000};
}

static void tell_blocks(void)
{
	uint32_t irreversible = irreversible_now();

	while (node.told < irreversible) {
		int64_t at_us;

		node.told++;
		at_us = node.live_since_us +
			(int64_t)(node.told - node.irreversible) * node.interval_us;
		printf("readable %u %lld %llu\n", node.told, (long long)at_us, node.requests);
	}
}

static void loop(int listener)
{
	struct epoll_event events[64];
	struct epoll_event event = {.events = EPOLLIN};

	if (epoll_ctl(node.epoll_fd, EPOLL_CTL_ADD, listener, &event) != 0)
		die("epoll_ctl");
	while (!must_end) {
		struct timespec timeout = next_timeout();
		int count = epoll_pwait2(node.epoll_fd, events, 64, &timeout, NULL);

		for (int i = 0; i < count; i++) {
			struct connection *connection = events[i].data.ptr;

			if (!connection)
				accept_all(listener);
			else if (connection->stage == STAGE_SENDING &&
				 (events[i].events & EPOLLOUT))
				send_some(connection);
			else
				receive(connection);
		}
		serve_lines();
		tell_blocks();
	}
	printf("served %llu %llu\n", node.requests, node.calls);
}

int main(int argc, char **argv)
{
	unsigned long port = 0;

	if (argc < 2 || argc % 2 != 0) {
		fprintf(stderr,
			"usage: fakenode CORPUS [--port N] [--irreversible N] [--delay MS] [--interval MS]\n"
			"                       [--close-after US]\n");
		return 64;
	}
	node.close_after_us = -1;
	for (int i = 2; i + 1 < argc; i += 2) {
		unsigned long value = strtoul(argv[i + 1], NULL, 10);

		if (strcmp(argv[i], "--port") == 0)
			port = value;
		else if (strcmp(argv[i], "--irreversible") == 0)
			node.irreversible = (uint32_t)value;
		else if (strcmp(argv[i], "--delay") == 0)
			node.half_delay_us = (int64_t)value * 500;
		else if (strcmp(argv[i], "--interval") == 0)
			node.interval_us = (int64_t)value * 1000;
		else if (strcmp(argv[i], "--close-after") == 0)
			node.close_after_us = (int64_t)value;
	}
	signal(SIGTERM, end_soon);
	signal(SIGINT, end_soon);
	setvbuf(stdout, NULL, _IOLBF, 0);
	chain_read(argv[1]);
	node.told = node.irreversible;
	node.live_since_us = clock_us(CLOCK_REALTIME);
	node.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop(listen_on((uint16_t)port));
	return 0;
}
