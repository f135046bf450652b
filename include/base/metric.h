/* SPDX-License-Identifier: MIT */
/*
 * Counts how long things take, and writes the text format of Prometheus.
 *
 * Begin a family once, then add all its samples: the format allows no other family in
 * between.
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The upper bounds go from 5 ms to 10 s; longer times are in the last bucket. */
#define METRIC_BUCKETS 11

struct metric_histogram {
	uint64_t counts[METRIC_BUCKETS + 1]; /* of each bucket alone, not cumulative */
	int64_t sum_us;
};

void metric_observe(struct metric_histogram *histogram, int64_t took_us);

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
};

struct metric_label {
	const char *name;
	const char *value; /* any bytes: those that are not printable ASCII become '?' */
};

/* A page that is being written. */
struct metric_page {
	struct buf *buf;
	const char *prefix; /* of each name: "steem_reader_" */
	const char *family; /* the name that metric_begin() got last */
};

void metric_begin(struct metric_page *page, const char *name, enum metric_type type,
		  const char *help);
/* Write one line of the family; labels may be NULL if there are none. */
void metric_sample(struct metric_page *page, const struct metric_label *labels, size_t label_count,
		   double value);
/* The same with one label. */
void metric_labelled(struct metric_page *page, const char *label, const char *text, double value);
/*
 * Write the lines of a histogram: one for each bucket, then the sum and the count. At most one
 * label.
 */
void metric_histogram_samples(struct metric_page *page, const struct metric_label *label,
			      const struct metric_histogram *histogram);

/* Whole families with a single value. */
void metric_counter(struct metric_page *page, const char *name, const char *help, double value);
void metric_gauge(struct metric_page *page, const char *name, const char *help, double value);
void metric_histogram(struct metric_page *page, const char *name, const char *help,
		      const struct metric_histogram *histogram);

#endif
