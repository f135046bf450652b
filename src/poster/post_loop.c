/* SPDX-License-Identifier: MIT */
#include "poster/post_loop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "daemon/config.h"
#include "daemon/failure.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/signals.h"
#include "poster/open_trxs.h"
#include "poster/poster_arguments.h"
#include "poster/poster_metrics.h"
#include "poster/poster_task.h"
#include "poster/round.h"
#include "poster/routes.h"
#include "poster/signature_runs.h"
#include "poster/signing_account.h"
#include "sync/executor.h"

#define CONNECTIONS      160
#define TEND_MS          1000
#define LEASE_MS         4000 /* of POSTER_TASK_LEASE_S: three renewals may fail */
#define ROWS_MS          10000
#define LOAD_MAX         2000
#define FIRST_HEAD_MS    10000
#define STOP_MS          10000 /* for answers, notes and leases when it is stopped */
#define ONCE_PATIENCE_MS 30000
#define ONCE_STUCK_MS    20000
#define TELL_MS          60000

struct post_loop {
	const struct poster_arguments *arguments;
	const struct config *config;
	struct signing_accounts *signers;
	struct transaction_maker *maker;
	char token[SENDER_TOKEN_CHARS + 1];
	char name[SENDER_POSTER_CHARS + 1];
	int signal_fd;
	struct signature_runs *runs;
	struct executor *executor;
	struct http *http;
	struct routes routes;
	struct open_trxs *trxs;
	struct metrics *metrics;
	int64_t started_s;
	int64_t started_ms;
	/* Signing. */
	struct round round;
	bool is_rounding;
	int64_t round_at_ms;
	/* Looking after the accounts. */
	struct poster_task_tend tend;
	struct sender_account *accounts; /* as of the last time; the task has its own */
	bool is_tending;
	bool is_ready; /* it was done once */
	int64_t tend_at_ms;
	int64_t lease_at_ms;
	int64_t rows_at_ms; /* the rows are counted, if somebody may want to know */
	bool is_loading;
	bool is_noting;
	/* --once. */
	bool is_once;
	int64_t moved_at_ms; /* when something was last done */
	/* Counts. */
	uint64_t signed_count, held_count, failed_count, expired_count;
	/* Stopping. */
	struct error fault;
	bool is_stopping;
	bool is_over;
	bool is_releasing, is_released;
	int64_t give_up_at_ms;
	struct poster_task_release release;
	struct notify_times notify;
	struct log_limit node_limit, behind_limit;
};

/* Stopping. */

static void begin_stop(struct post_loop *loop)
{
	if (loop->is_stopping)
		return;
	loop->is_stopping = true;
	loop->give_up_at_ms = clock_now_ms() + STOP_MS;
	signature_runs_stop(loop->runs);
	executor_hurry(loop->executor, STOP_MS / 2);
	notify_stopping();
}

static void fail(struct post_loop *loop, const struct error *err)
{
	if (loop->fault.kind == ERROR_NONE)
		loop->fault = *err;
	begin_stop(loop);
}

/* A job did not succeed.  The executor has tried long enough, or only the operator can help. */
static bool has_failed(struct post_loop *loop, const struct job *job)
{
	if (job->err.kind == ERROR_NONE)
		return false;
	if (!loop->is_stopping)
		fail(loop, &job->err);
	return true;
}

/* Signing. */

static const char *kind_of(uint64_t comment_id)
{
	return comment_id > 0 ? "comment" : "action";
}

static void tell_events(struct post_loop *loop, const struct round *round)
{
	for (size_t i = 0; i < round->event_count; i++) {
		const struct round_event *event = &round->events[i];
		unsigned long long id =
			event->comment_id > 0 ? event->comment_id : event->action_id;

		if (event->is_paused)
			log_error(
				"sender_paused",
				"%s: %s; nothing of it is signed until the key is right and somebody "
				"calls sender_resume('%s')",
				event->account, event->why, event->account);
		else if (event->is_held)
			log_warning(
				"row_held",
				"%s %llu of %s: %s; it is held until somebody calls outbox_requeue or "
				"outbox_cancel",
				kind_of(event->comment_id), id, event->account, event->why);
		else
			log_warning("row_failed", "%s %llu of %s: %s", kind_of(event->comment_id),
				    id, event->account, event->why);
		loop->held_count += event->is_held;
		loop->failed_count += !event->is_held && !event->is_paused;
	}
}

static void round_done(struct job *job)
{
	struct round *round = (struct round *)job;
	struct post_loop *loop = round->owner;
	int64_t now_ms = clock_now_ms();
	bool has_news;

	loop->is_rounding = false;
	signature_runs_take(loop->runs);
	if (has_failed(loop, job)) {
		round_clear(round);
		return;
	}
	if (round->reference.num > 0)
		routes_stored(&loop->routes, &round->reference, round->reference_s);
	tell_events(loop, round);
	loop->signed_count += round->trx_count;
	has_news = round->trx_count > 0 || round->event_count > 0;
	if (has_news)
		loop->moved_at_ms = now_ms;
	for (size_t i = 0; i < round->trx_count; i++)
		log_debug("trx_signed", "%s of %s: %s %llu", round->trxs[i].trx_id,
			  round->trxs[i].account, kind_of(round->trxs[i].comment_id),
			  (unsigned long long)(round->trxs[i].comment_id > 0
						       ? round->trxs[i].comment_id
						       : round->trxs[i].action_id));
	open_trxs_add(loop->trxs, round->trxs, round->trx_count, now_ms);
	if (round->is_behind)
		log_limited(
			&loop->behind_limit, LOG_LEVEL_WARNING, "readers_behind",
			"the newest irreversible stored block is %u, too old to refer to; nothing "
			"is signed until the readers have caught up",
			round->reference.num);
	loop->round_at_ms = now_ms;
	if (!round->has_more)
		loop->round_at_ms += max_i64(loop->config->poster.poll_ms, 2 * job->last_try_ms);
	round_clear(round);
}

static bool holds_any(const struct post_loop *loop)
{
	for (size_t i = 0; i < loop->signers->count; i++)
		if (loop->accounts[i].is_held)
			return true;
	return false;
}

static int64_t sign(struct post_loop *loop, int64_t now_ms)
{
	struct chain_head head;

	if (loop->is_rounding || loop->is_stopping || !loop->is_ready || !holds_any(loop))
		return CLOCK_NEVER;
	if (now_ms < loop->round_at_ms && !signature_runs_has_answers(loop->runs))
		return loop->round_at_ms;
	if (!route_head(loop->routes.items, loop->routes.count, now_ms, loop->routes.stored_s,
			&head)) {
		if (now_ms - loop->started_ms > FIRST_HEAD_MS)
			log_limited(&loop->node_limit, LOG_LEVEL_WARNING, "no_node",
				    "no node can be used; nothing is signed or sent until one can");
		loop->round_at_ms = now_ms + 200;
		return loop->round_at_ms;
	}
	signature_runs_give(loop->runs);
	loop->is_rounding = true;
	loop->round.head = head;
	loop->round.asked_at_ms = now_ms;
	job_init(&loop->round.job, round_run, round_done, "signatures");
	executor_commit(loop->executor, &loop->round.job);
	return CLOCK_NEVER;
}

/* Transactions that another process signed, or whose COMMIT was interrupted. */

static void load_done(struct job *job)
{
	struct poster_task_load *load = (struct poster_task_load *)job;
	struct post_loop *loop = load->owner;

	loop->is_loading = false;
	if (!has_failed(loop, job)) {
		if (load->trx_count > 0)
			log_info("trxs_taken_up",
				 "%zu transactions that were signed before are sent again until "
				 "they are in a block, or dead",
				 load->trx_count);
		open_trxs_add(loop->trxs, load->trxs, load->trx_count, clock_now_ms());
		loop->tend_at_ms = clock_now_ms();
	}
	poster_task_load_free(load);
}

/* Takes the ids. */
static void load(struct post_loop *loop, char (*ids)[SENDER_TRX_CHARS + 1], size_t count)
{
	struct poster_task_load *load;

	if (!ids || loop->is_loading || loop->is_stopping) {
		free(ids);
		return;
	}
	load = xcalloc(1, sizeof(*load));
	load->owner = loop;
	load->ids = ids;
	load->id_count = count;
	load->trxs = xcalloc(count, sizeof(*load->trxs));
	loop->is_loading = true;
	job_init(&load->job, poster_task_load_run, load_done, "%zu open transactions", count);
	executor_task(loop->executor, &load->job);
}

/* Looking after the accounts. */

static void tell_dead(struct post_loop *loop)
{
	for (size_t i = 0; i < loop->tend.dead_count; i++) {
		const struct sender_dead *dead = &loop->tend.dead[i];
		unsigned long long id = dead->comment_id > 0 ? dead->comment_id : dead->action_id;

		if (!dead->is_done)
			continue;
		loop->expired_count++;
		loop->moved_at_ms = clock_now_ms();
		loop->failed_count += strcmp(dead->state, "failed") == 0;
		if (strcmp(dead->state, "failed") == 0)
			log_warning("row_failed", "%s %llu of %s: %s (attempt %u)",
				    kind_of(dead->comment_id), id, dead->account,
				    dead->error[0] ? dead->error
						   : "its transactions got into no block",
				    dead->attempts);
		else
			log_info(
				"trx_expired",
				"%s of %s is dead: it is in no block up to its expiration; %s %llu "
				"waits again",
				dead->trx_id, dead->account, kind_of(dead->comment_id), id);
	}
}

static void keep_once(struct post_loop *loop, int64_t now_ms)
{
	struct error err = ERROR_INIT;

	if (!loop->is_once || loop->is_stopping)
		return;
	if (loop->tend.left_count == 0 && loop->tend.open_count == 0) {
		begin_stop(loop);
		return;
	}
	if (loop->tend.open_count > 0 || loop->is_rounding)
		loop->moved_at_ms = loop->tend.open_count > 0 ? now_ms : loop->moved_at_ms;
	if (now_ms - loop->moved_at_ms < ONCE_STUCK_MS ||
	    (loop->round.waiting_count > 0 &&
	     signature_runs_get_facts(loop->runs)->failing_count == 0))
		return;
	(void)error_set(
		&err, ERROR_NODE,
		"%llu rows are left that cannot be sent now: their account is paused, rests, or is "
		"another poster's, its command fails, or no node can be used; sender_status shows it",
		(unsigned long long)loop->tend.left_count);
	fail(loop, &err);
}

static void tell_ready(struct post_loop *loop)
{
	if (loop->is_ready)
		return;
	loop->is_ready = true;
	log_info("accounts_opened", "%s signs for %zu accounts", loop->name, loop->signers->count);
	notify_ready();
}

static void tend_done(struct job *job)
{
	struct poster_task_tend *tend = (struct poster_task_tend *)job;
	struct post_loop *loop = tend->owner;
	int64_t now_ms = clock_now_ms();
	char(*ids)[SENDER_TRX_CHARS + 1];
	size_t id_count;

	loop->is_tending = false;
	if (has_failed(loop, job)) {
		poster_task_tend_clear(tend);
		return;
	}
	memcpy(loop->accounts, tend->accounts, tend->account_count * sizeof(*loop->accounts));
	tell_ready(loop);
	if (tend->stored.num > 0)
		routes_stored(&loop->routes, &tend->stored, tend->stored_s);
	tell_dead(loop);
	ids = open_trxs_settle(loop->trxs, tend->open, tend->open_count, tend->asked_at_ms,
			       LOAD_MAX, &id_count);
	load(loop, ids, id_count);
	keep_once(loop, now_ms);
	/* Not later than the leases must be renewed, however slow this one was. */
	loop->tend_at_ms = now_ms + min_i64(max_i64(TEND_MS, 5 * tend->took_ms), LEASE_MS);
	poster_task_tend_clear(tend);
}

static int64_t look_after(struct post_loop *loop, int64_t now_ms)
{
	if (loop->is_tending || loop->is_stopping)
		return CLOCK_NEVER;
	if (now_ms < loop->tend_at_ms)
		return loop->tend_at_ms;
	loop->is_tending = true;
	loop->tend.is_lease_due = now_ms >= loop->lease_at_ms;
	if (loop->tend.is_lease_due)
		loop->lease_at_ms = now_ms + LEASE_MS;
	loop->tend.counts_left = loop->is_once;
	loop->tend.counts_rows =
		loop->config->metrics_listen[0] != '\0' && now_ms >= loop->rows_at_ms;
	if (loop->tend.counts_rows)
		loop->rows_at_ms = now_ms + ROWS_MS;
	job_init(&loop->tend.job, poster_task_tend_run, tend_done, "accounts");
	executor_task(loop->executor, &loop->tend.job);
	return CLOCK_NEVER;
}

/* Notes. */

static void tell_marks(const struct poster_task_note *note)
{
	for (size_t i = 0; i < note->mark_count; i++) {
		const struct poster_task_mark *made = &note->marks[i];

		if (made->is_done && made->what == POSTER_TASK_PAUSE)
			log_error(
				"sender_paused",
				"%s: a node refuses its key: %s; nothing of it is signed until the "
				"key is right and somebody calls sender_resume('%s')",
				made->account, made->reason, made->account);
		else if (made->is_done && made->what == POSTER_TASK_REST)
			log_warning(
				"sender_resting",
				"%s has not enough resource credits: %s; nothing of it is signed "
				"for a while, twice as long each time",
				made->account, made->reason);
	}
}

static void note_done(struct job *job)
{
	struct poster_task_note *note = (struct poster_task_note *)job;
	struct post_loop *loop = note->owner;

	loop->is_noting = false;
	if (!has_failed(loop, job))
		tell_marks(note);
	poster_task_note_free(note);
}

static void write_notes(struct post_loop *loop)
{
	struct poster_task_note *note = loop->is_noting ? NULL : open_trxs_take_notes(loop->trxs);

	if (!note)
		return;
	note->owner = loop;
	loop->is_noting = true;
	job_init(&note->job, poster_task_note_run, note_done, "notes on %zu sends",
		 note->note_count);
	executor_task(loop->executor, &note->job);
}

/* Stopping: what was signed is sent once, what was answered is noted, and the leases are given back. */

static void release_done(struct job *job)
{
	struct post_loop *loop = ((struct poster_task_release *)job)->owner;

	loop->is_releasing = false;
	loop->is_released = true;
}

static void keep_stopping(struct post_loop *loop, int64_t now_ms)
{
	if (!loop->is_stopping)
		return;
	if (now_ms >= loop->give_up_at_ms) {
		loop->is_over = true;
		return;
	}
	if (loop->is_rounding || open_trxs_unanswered(loop->trxs) > 0 || loop->is_noting ||
	    loop->is_tending || loop->is_loading || loop->is_releasing)
		return;
	if (loop->is_released) {
		loop->is_over = true;
		return;
	}
	loop->is_releasing = true;
	loop->release.owner = loop;
	loop->release.token = loop->token;
	job_init(&loop->release.job, poster_task_release_run, release_done, "leases given back");
	executor_task(loop->executor, &loop->release.job);
}

/* Signals. */

static void stop(struct post_loop *loop)
{
	if (loop->is_stopping) {
		log_warning("stopped_at_once",
			    "second signal; what was signed is sent again by the next poster");
		_exit(EXIT_SECOND_SIGNAL);
	}
	log_info("stopping", "nothing more is signed; %zu transactions are open",
		 open_trxs_get_facts(loop->trxs)->open_count);
	begin_stop(loop);
}

static void take_signals(struct post_loop *loop)
{
	enum signal_event event;

	while ((event = signals_read(loop->signal_fd)) != SIGNAL_NOTHING) {
		if (event == SIGNAL_RELOAD)
			command_line_reload_log_level(&loop->arguments->line);
		else
			stop(loop);
	}
}

/* systemd and monitors. */

static void tell_systemd(struct post_loop *loop, int64_t now_ms)
{
	const struct open_trxs_facts *facts = open_trxs_get_facts(loop->trxs);

	if (notify_is_status_due(&loop->notify, now_ms)) {
		notify_status("%s%llu signed, %zu open, %llu held, %llu failed",
			      executor_has_lost_database(loop->executor) ? "the database is lost; "
									 : "",
			      (unsigned long long)loop->signed_count, facts->open_count,
			      (unsigned long long)loop->held_count,
			      (unsigned long long)loop->failed_count);
		if (!loop->is_ready || loop->is_stopping)
			notify_extend_timeout(4 * NOTIFY_STATUS_MS);
	}
	(void)notify_feed(&loop->notify, now_ms);
}

static bool write_page(void *context, enum metrics_page page, struct buf *body)
{
	struct post_loop *loop = context;
	struct executor_trouble trouble;
	int64_t now_ms = clock_now_ms();
	struct poster_metrics_facts facts = {
		.started_s = loop->started_s,
		.is_ready = loop->is_ready,
		.is_database_lost = executor_has_lost_database(loop->executor),
		.trouble = &trouble,
		.now_ms = now_ms,
		.usable_nodes = route_usable_count(loop->routes.items, loop->routes.count, now_ms,
						   loop->routes.stored_s),
		.routes = &loop->routes,
		.trxs = open_trxs_get_facts(loop->trxs),
		.accounts = loop->accounts,
		.account_count = loop->signers->count,
		.signed_count = loop->signed_count,
		.held_count = loop->held_count,
		.failed_count = loop->failed_count,
		.expired_count = loop->expired_count,
		.signatures = signature_runs_get_facts(loop->runs),
		.commit_times = executor_commit_times(loop->executor),
	};

	executor_get_trouble(loop->executor, &trouble);
	return poster_metrics_write(&facts, page, body);
}

/* Turns of the loop. */

static int64_t run_commands(struct post_loop *loop, int64_t now_ms)
{
	struct error err = ERROR_INIT;
	int64_t next_ms;

	if (signature_runs_step(loop->runs, now_ms, &next_ms, &err) < 0)
		fail(loop, &err);
	return next_ms;
}

/* What is due is done; when is the next thing? */
static int64_t act(struct post_loop *loop, int64_t now_ms)
{
	int64_t next_ms = notify_next_ms(&loop->notify);

	next_ms = sooner(next_ms, look_after(loop, now_ms));
	next_ms = sooner(next_ms, routes_step(&loop->routes, now_ms));
	next_ms = sooner(next_ms, run_commands(loop, now_ms));
	next_ms = sooner(next_ms, sign(loop, now_ms));
	next_ms = sooner(next_ms, open_trxs_step(loop->trxs, now_ms));
	write_notes(loop);
	keep_stopping(loop, now_ms);
	if (loop->is_stopping)
		next_ms = sooner(next_ms, loop->give_up_at_ms);
	return next_ms;
}

static void turn(struct post_loop *loop)
{
	struct pollfd fds[3 + SIGNATURE_RUNS_FDS] = {
		{.fd = loop->signal_fd, .events = POLLIN},
		{.fd = executor_fd(loop->executor), .events = POLLIN}};
	unsigned count = 2 + metrics_fill_fds(loop->metrics, &fds[2]);
	int64_t next_ms = act(loop, clock_now_ms());
	int64_t metrics_ms = metrics_next_timeout_ms(loop->metrics);
	int64_t wait_ms = max_i64(next_ms - clock_now_ms(), 0);
	struct pollfd *command_fds = &fds[count];
	struct error err = ERROR_INIT;

	if (loop->is_over)
		return;
	if (metrics_ms >= 0)
		wait_ms = min_i64(wait_ms, metrics_ms);
	count += signature_runs_fill_fds(loop->runs, command_fds);
	if (http_wait(loop->http, fds, count, wait_ms, &err) < 0) {
		fail(loop, &err);
		loop->is_over = true;
		return;
	}
	signature_runs_read(loop->runs, command_fds);
	executor_collect(loop->executor);
	take_signals(loop);
	metrics_step(loop->metrics);
	tell_systemd(loop, clock_now_ms());
}

static enum exit_code end(struct post_loop *loop)
{
	const struct open_trxs_facts *facts = open_trxs_get_facts(loop->trxs);
	enum exit_code code = EXIT_OK;

	if (loop->fault.kind != ERROR_NONE)
		code = failure_report("ended", &loop->fault);
	log_info("stopped", "exit code %d; %llu signed, %zu are still open, %llu held, %llu failed",
		 code, (unsigned long long)loop->signed_count, facts->open_count,
		 (unsigned long long)loop->held_count, (unsigned long long)loop->failed_count);
	/* The thread that waits for the database cannot be joined. */
	if (executor_pending(loop->executor) > 0) {
		signing_accounts_release(loop->signers);
		_exit((int)process_end(code));
	}
	return code;
}

static int open_all(struct post_loop *loop, struct error *err)
{
	loop->runs = signature_runs_new(loop->signers, err);
	if (!loop->runs)
		return -1;
	loop->signal_fd = signals_open(err);
	if (loop->signal_fd < 0)
		return -1;
	loop->http = http_new(CONNECTIONS, "steem-poster/" PACKAGE_VERSION, err);
	if (!loop->http)
		return -1;
	routes_init(&loop->routes, loop->http, loop->config->nodes.urls, loop->config->nodes.count);
	loop->trxs = open_trxs_new(&loop->routes, loop->http);
	loop->executor =
		executor_new(&loop->config->database, 1, loop->is_once ? ONCE_PATIENCE_MS : 0, err);
	if (!loop->executor)
		return -1;
	loop->metrics = metrics_new(loop->config->metrics_listen, "poster", write_page, loop);
	return 0;
}

static void close_all(struct post_loop *loop)
{
	metrics_free(loop->metrics);
	executor_free(loop->executor);
	signature_runs_free(loop->runs);
	http_free(loop->http);
	open_trxs_free(loop->trxs);
	routes_release(&loop->routes);
	round_clear(&loop->round);
	poster_task_tend_clear(&loop->tend);
	free(loop->accounts);
	free(loop->tend.accounts);
	signals_close(loop->signal_fd);
}

static void prepare(struct post_loop *loop)
{
	size_t count = loop->signers->count;

	random_hex(loop->token, SENDER_TOKEN_CHARS);
	process_name(loop->name, sizeof(loop->name), "poster");
	if (loop->config->poster.name[0] != '\0')
		snprintf(loop->name, sizeof(loop->name), "%s", loop->config->poster.name);
	loop->accounts = xcalloc(count, sizeof(*loop->accounts));
	for (size_t i = 0; i < count; i++)
		memcpy(loop->accounts[i].account, loop->signers->items[i].account,
		       sizeof(loop->accounts[i].account));
	loop->started_s = clock_wall_s();
	loop->started_ms = loop->moved_at_ms = clock_now_ms();
	loop->round.owner = loop->tend.owner = loop;
	loop->round.signers = loop->signers;
	loop->round.maker = loop->maker;
	loop->round.chain = chain_of(loop->config->poster.chain);
	loop->round.token = loop->tend.token = loop->token;
	loop->tend.poster = loop->name;
	loop->tend.accounts = xcalloc(count, sizeof(*loop->tend.accounts));
	memcpy(loop->tend.accounts, loop->accounts, count * sizeof(*loop->accounts));
	loop->tend.account_count = count;
}

enum exit_code post_loop_run(const struct poster_arguments *arguments, const struct config *config,
			     struct signing_accounts *signers, struct transaction_maker *maker)
{
	struct post_loop *loop = xcalloc(1, sizeof(*loop));
	struct error err = ERROR_INIT;
	enum exit_code code;

	*loop = (struct post_loop){
		.arguments = arguments,
		.config = config,
		.signers = signers,
		.maker = maker,
		.signal_fd = -1,
		.is_once = arguments->action == POSTER_ONCE,
		.node_limit = LOG_LIMIT_INIT(TELL_MS),
		.behind_limit = LOG_LIMIT_INIT(TELL_MS),
	};
	prepare(loop);
	if (open_all(loop, &err) < 0) {
		code = failure_report("ended", &err);
	} else {
		log_info("started", "steem-poster %s, %s, %zu accounts, database %s",
			 PACKAGE_VERSION, loop->name, signers->count, config->database.name);
		while (!loop->is_over)
			turn(loop);
		code = end(loop);
	}
	close_all(loop);
	free(loop);
	return code;
}
