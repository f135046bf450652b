/* SPDX-License-Identifier: MIT */
/* A small HTTP server with its own threads; the path of a request says how it behaves. */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CONNECTIONS_MAX 512

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

extern struct server server; /* the server of the running test */

/* Did the head of the last request have these words, in capitals or not? */
bool server_was_sent(const char *words);
/* For cmocka, as set-up and tear-down of a group. */
int open_server(void **state);
int close_server(void **state);

#endif
