/* SPDX-License-Identifier: MIT */
/*
 * Deterministic simulation: real readers against a model of everything else.
 *
 *   sim [--seeds N] [--from SEED] [--jobs N] [-s]    run N seeds; -s: print the events reached
 *   sim --seed N [-v]                                run one seed again, with a trace
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "database.h"
#include "events.h"
#include "world.h"

#define DEFAULT_SEEDS 500
#define MAX_JOBS      64

/*
 * Each of these broke a promise until a mistake was fixed. If you change the scenarios, look for
 * others.
 */
static const uint64_t fixed_seeds[] = {
	6,    /* spun while all nodes rested and a search for work was due */
	23,   /* spun while it left and the database did not answer */
	52,   /* spun in a scan of more than ten seconds */
	1555, /* spun while no node told its head between replay and tail */
	716,  /* a gap that was postponed while a clock was ahead waited ten minutes more */
	5486, /* freed a block twice that could not be proved */
	423,  /* wanted a turn although nothing was left to do, after the head dropped blocks */
	1939, /* did not notice that head and tail had freed memory */
	3560, /* spun because of a question about blocks above that was not needed any more */
	6046, /* blamed a node before the keys of all blocks above were looked up */
	4797, /* a command did not name the time when its patience ends */
	7960, /* a hole below a block that no node gives was never filled */
	/* a search went on for a block above one that became a gap, and spoilt the next search */
	51971,
	/* the model never ended the transaction of a silent client that had locked a signed trx */
	21316,
};

struct options {
	uint64_t first, count;
	unsigned jobs;
	bool is_single;
	bool shows_events;
};

static struct {
	uint64_t runs;
	int64_t simulated_ms, longest_ms;
	uint64_t longest_seed;
} sum;

/* The seed that each job is running, in case a job crashes; NULL: there is only one job. */
static uint64_t *seeds_under_way;

static void run_seed(unsigned share, uint64_t seed)
{
	struct world_result result = {.stored_blocks = 0};

	if (seeds_under_way)
		seeds_under_way[share] = seed;
	world_run(seed, &result);
	sum.runs++;
	sum.simulated_ms += result.simulated_ms;
	if (result.recovered_ms > sum.longest_ms) {
		sum.longest_ms = result.recovered_ms;
		sum.longest_seed = seed;
	}
}

static void run_share(const struct options *options, unsigned share)
{
	if (share == 0 && !options->is_single)
		for (size_t i = 0; i < sizeof(fixed_seeds) / sizeof(fixed_seeds[0]); i++)
			run_seed(share, fixed_seeds[i]);
	for (uint64_t i = share; i < options->count; i += options->jobs)
		run_seed(share, options->first + i);
	printf("%llu simulations, %.1f h of simulated time, %llu requests, %llu statements of which "
	       "%llu failed; all well %.0f s after the last fault at the latest (seed %llu)\n",
	       (unsigned long long)sum.runs, (double)sum.simulated_ms / 3600000,
	       (unsigned long long)sim_request_count, (unsigned long long)sim_db_call_count,
	       (unsigned long long)sim_db_fault_count, (double)sum.longest_ms / 1000,
	       (unsigned long long)sum.longest_seed);
	if (options->shows_events)
		events_print();
	fflush(stdout);
}

/* One process for each job; if one fails, all fail. */
static int run_jobs(const struct options *options)
{
	pid_t jobs[MAX_JOBS];
	int status, code = 0;
	pid_t ended;

	seeds_under_way = mmap(NULL, MAX_JOBS * sizeof(*seeds_under_way), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seeds_under_way == MAP_FAILED) {
		perror("sim");
		return 1;
	}
	for (unsigned i = 0; i < options->jobs; i++) {
		jobs[i] = fork();
		if (jobs[i] == 0) {
			run_share(options, i);
			_exit(0);
		}
	}
	while ((ended = wait(&status)) > 0) {
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		for (unsigned i = 0; i < options->jobs && code == 0; i++) {
			if (jobs[i] == ended)
				fprintf(stderr, "a job ended with the status %#x at seed %llu\n",
					(unsigned)status, (unsigned long long)seeds_under_way[i]);
			else /* the results of the others no longer matter */
				kill(jobs[i], SIGTERM);
		}
		code = 1;
	}
	return code;
}

static uint64_t number_of(const char *text)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (*end != '\0' || end == text) {
		fprintf(stderr, "sim: %s is no number\n", text);
		exit(64);
	}
	return number;
}

static void parse(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i++) {
		bool has_value = i + 1 < argc;

		if (strcmp(argv[i], "-v") == 0) {
			sim_is_verbose = true;
		} else if (strcmp(argv[i], "-s") == 0) {
			options->shows_events = true;
		} else if (strcmp(argv[i], "--seed") == 0 && has_value) {
			options->first = number_of(argv[++i]);
			options->count = 1;
			options->is_single = true;
		} else if (strcmp(argv[i], "--from") == 0 && has_value) {
			options->first = number_of(argv[++i]);
		} else if (strcmp(argv[i], "--seeds") == 0 && has_value) {
			options->count = number_of(argv[++i]);
		} else if (strcmp(argv[i], "--jobs") == 0 && has_value) {
			options->jobs = (unsigned)number_of(argv[++i]);
		} else {
			fprintf(stderr, "usage: sim [--seeds N] [--from SEED] [--jobs N] [-s] | "
					"--seed N [-v]\n");
			exit(64);
		}
	}
}

int main(int argc, char **argv)
{
	struct options options = {.first = 1, .count = DEFAULT_SEEDS, .jobs = 1};

	parse(argc, argv, &options);
	if (options.jobs > MAX_JOBS)
		options.jobs = MAX_JOBS;
	if (options.jobs > 1)
		return run_jobs(&options);
	run_share(&options, 0);
	return 0;
}
