/* SPDX-License-Identifier: MIT */
#include "base/metric.h"

#include <stdio.h>

static const int64_t bucket_ends_us[METRIC_BUCKETS] = {
	5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};

void metric_observe(struct metric_histogram *histogram, int64_t took_us)
{
	unsigned i = 0;

	if (took_us < 0)
		took_us = 0;
	while (i < METRIC_BUCKETS && took_us > bucket_ends_us[i])
		i++;
	histogram->counts[i]++;
	histogram->sum_us += took_us;
}

/* If a text does not fit, buf->is_full stays set, and the owner of the buffer checks that. */
static void add(struct buf *buf, const char *text)
{
	(void)buf_add_text(buf, text);
}

static void add_escaped(struct buf *buf, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			add(buf, "\\\\");
		else if (*text == '"')
			add(buf, "\\\"");
		else if (*text == '\n')
			add(buf, "\\n");
		else
			(void)buf_add_char(buf, *text >= 0x20 && *text < 0x7f ? *text : '?');
	}
}

void metric_begin(struct buf *buf, const char *name, enum metric_type type, const char *help)
{
	(void)buf_addf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type_names[type]);
}

static void add_labels(struct buf *buf, const struct metric_label *labels, size_t label_count)
{
	if (label_count == 0)
		return;
	for (size_t i = 0; i < label_count; i++) {
		(void)buf_addf(buf, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
		add_escaped(buf, labels[i].value);
		add(buf, "\"");
	}
	add(buf, "}");
}

void metric_sample(struct buf *buf, const char *name, const struct metric_label *labels,
		   size_t label_count, double value)
{
	add(buf, name);
	add_labels(buf, labels, label_count);
	(void)buf_addf(buf, " %.15g\n", value);
}

static void add_bucket(struct buf *buf, const char *name, const struct metric_label *label,
		       const char *end, uint64_t count)
{
	struct metric_label labels[2] = {{.name = "le", .value = end}};
	size_t label_count = 1;
	char full_name[128];

	if (label)
		labels[label_count++] = *label;
	snprintf(full_name, sizeof(full_name), "%s_bucket", name);
	metric_sample(buf, full_name, labels, label_count, (double)count);
}

void metric_histogram_samples(struct buf *buf, const char *name, const struct metric_label *label,
			      const struct metric_histogram *histogram)
{
	uint64_t count = 0;
	char text[128];

	for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
		count += histogram->counts[i];
		snprintf(text, sizeof(text), "%g", (double)bucket_ends_us[i] / 1e6);
		add_bucket(buf, name, label, text, count);
	}
	count += histogram->counts[METRIC_BUCKETS];
	add_bucket(buf, name, label, "+Inf", count);
	snprintf(text, sizeof(text), "%s_sum", name);
	metric_sample(buf, text, label, label ? 1 : 0, (double)histogram->sum_us / 1e6);
	snprintf(text, sizeof(text), "%s_count", name);
	metric_sample(buf, text, label, label ? 1 : 0, (double)count);
}

void metric_value(struct buf *buf, const char *name, enum metric_type type, const char *help,
		  double value)
{
	metric_begin(buf, name, type, help);
	metric_sample(buf, name, NULL, 0, value);
}
