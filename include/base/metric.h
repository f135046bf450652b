/* SPDX-License-Identifier: MIT */
/*
 * Counting how long things take, and the text in which Prometheus reads figures.
 *
 * A family is begun once, then its samples follow; the text format allows nothing of
 * another family in between.
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Upper ends from 5 ms to 10 s; what took longer is in the last bucket. */
#define METRIC_BUCKETS 11

struct metric_histogram {
	uint64_t counts[METRIC_BUCKETS + 1]; /* each for itself */
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
	const char *value; /* any bytes: what is not printable ASCII becomes '?' */
};

void metric_begin(struct buf *buf, const char *name, enum metric_type type, const char *help);
/* One line of the family `name`; labels may be NULL when there are none. */
void metric_sample(struct buf *buf, const char *name, const struct metric_label *labels,
		   size_t label_count, double value);
/* The lines of a histogram: one for each bucket, then the sum and the count. At most one label. */
void metric_histogram_samples(struct buf *buf, const char *name, const struct metric_label *label,
			      const struct metric_histogram *histogram);
/* A family of a single value. */
void metric_value(struct buf *buf, const char *name, enum metric_type type, const char *help,
		  double value);

#endif
