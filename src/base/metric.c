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

void metric_begin(struct metric_page *page, const char *name, enum metric_type type,
		  const char *help)
{
	page->family = name;
	(void)buf_addf(page->buf, "# HELP %s%s %s\n# TYPE %s%s %s\n", page->prefix, name, help,
		       page->prefix, name, type_names[type]);
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

/* suffix: of a histogram's lines. */
static void add_line(struct metric_page *page, const char *suffix,
		     const struct metric_label *labels, size_t label_count, double value)
{
	(void)buf_addf(page->buf, "%s%s%s", page->prefix, page->family, suffix);
	add_labels(page->buf, labels, label_count);
	(void)buf_addf(page->buf, " %.15g\n", value);
}

void metric_sample(struct metric_page *page, const struct metric_label *labels, size_t label_count,
		   double value)
{
	add_line(page, "", labels, label_count, value);
}

void metric_labelled(struct metric_page *page, const char *label, const char *text, double value)
{
	const struct metric_label labels[] = {{.name = label, .value = text}};

	add_line(page, "", labels, 1, value);
}

static void add_bucket(struct metric_page *page, const struct metric_label *label, const char *end,
		       uint64_t count)
{
	struct metric_label labels[2] = {{.name = "le", .value = end}};
	size_t label_count = 1;

	if (label)
		labels[label_count++] = *label;
	add_line(page, "_bucket", labels, label_count, (double)count);
}

void metric_histogram_samples(struct metric_page *page, const struct metric_label *label,
			      const struct metric_histogram *histogram)
{
	size_t label_count = label ? 1 : 0;
	uint64_t count = 0;
	char end[32];

	for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
		count += histogram->counts[i];
		snprintf(end, sizeof(end), "%g", (double)bucket_ends_us[i] / 1e6);
		add_bucket(page, label, end, count);
	}
	count += histogram->counts[METRIC_BUCKETS];
	add_bucket(page, label, "+Inf", count);
	add_line(page, "_sum", label, label_count, (double)histogram->sum_us / 1e6);
	add_line(page, "_count", label, label_count, (double)count);
}

void metric_counter(struct metric_page *page, const char *name, const char *help, double value)
{
	metric_begin(page, name, METRIC_COUNTER, help);
	metric_sample(page, NULL, 0, value);
}

void metric_gauge(struct metric_page *page, const char *name, const char *help, double value)
{
	metric_begin(page, name, METRIC_GAUGE, help);
	metric_sample(page, NULL, 0, value);
}

void metric_histogram(struct metric_page *page, const char *name, const char *help,
		      const struct metric_histogram *histogram)
{
	metric_begin(page, name, METRIC_HISTOGRAM, help);
	metric_histogram_samples(page, NULL, histogram);
}
