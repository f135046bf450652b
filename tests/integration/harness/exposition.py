"""A strict reading of the Prometheus text format 0.0.4, and the endpoint that serves it.

    families = parse(text)                     {name: Family}
    families["x_total"].value(node="a")        the one sample with these labels
    endpoint = Endpoint.of(reader)             waits until it is served
    endpoint.get("/healthz")                   Answer(status, headers, text)
    reader, endpoint = tailing(world)          both, of a reader at the tip

Stricter than the format: every family has HELP and TYPE, counters end in _total, nothing is
there twice, histograms are whole.
"""

import dataclasses
import http.client
import math
import re

from .polling import poll

LISTEN = {"listen": "127.0.0.1:0"}
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
TYPES = {"counter", "gauge", "histogram"}
UNESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


class Malformed(AssertionError):
    """Prometheus would refuse it, or we do."""


class NoSample(Malformed):
    """None with these labels, or several: the next page may have it."""


@dataclasses.dataclass
class Sample:
    name: str
    labels: dict
    value: float


@dataclasses.dataclass
class Family:
    name: str
    help: str
    type: str
    samples: list

    def select(self, name=None, **labels):
        return [sample for sample in self.samples if sample.name == (name or self.name)
                and all(sample.labels.get(key) == value for key, value in labels.items())]

    def value(self, name=None, **labels):
        """The value of the only sample with these labels."""
        found = self.select(name, **labels)
        if len(found) != 1:
            raise NoSample(f"{self.name}{labels}: {len(found)} samples")
        return found[0].value

    def total(self, **labels):
        return sum(sample.value for sample in self.select(**labels))


def _labels(text, line):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or (match[3] == "," and match.end() == len(text)):
            raise Malformed(f"labels: {line!r}")
        if match[1] in labels:
            raise Malformed(f"a label twice: {line!r}")
        labels[match[1]] = re.sub(r"\\.", lambda escape: UNESCAPED[escape[0]], match[2])
        at = match.end()
    return labels


def _number(text, line):
    if not re.fullmatch(r"[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)|NaN", text):
        raise Malformed(f"value: {line!r}")
    return float(text)


def _check_histogram(family):
    groups = {}
    for sample in family.samples:
        key = tuple(sorted(item for item in sample.labels.items() if item[0] != "le"))
        groups.setdefault(key, []).append(sample)
    for key, samples in groups.items():
        buckets = [(float(s.labels["le"]), s.value) for s in samples if s.name.endswith("_bucket")]
        sums = [s.value for s in samples if s.name == family.name + "_sum"]
        counts = [s.value for s in samples if s.name == family.name + "_count"]
        if (len(sums) != 1 or len(counts) != 1 or buckets != sorted(set(buckets))
                or not buckets or buckets[-1][0] != math.inf or buckets[-1][1] != counts[0]
                or [count for _, count in buckets] != sorted(count for _, count in buckets)):
            raise Malformed(f"{family.name}{key}: not a whole histogram: {samples}")


def _check_family(family):
    seen = set()
    if family.type == "counter" and not family.name.endswith("_total"):
        raise Malformed(f"{family.name}: a counter ends in _total")
    for sample in family.samples:
        key = (sample.name, tuple(sorted(sample.labels.items())))
        if key in seen:
            raise Malformed(f"twice: {key}")
        seen.add(key)
        if math.isnan(sample.value) or (family.type != "gauge" and sample.value < 0):
            raise Malformed(f"{key}: {sample.value}")
    if family.type == "histogram":
        _check_histogram(family)


def parse(text):
    """The families of a page by their names; Malformed where it is not as it should be."""
    families, family = {}, None
    if not text.endswith("\n"):
        raise Malformed("the last line has no end")
    for line in text[:-1].split("\n"):
        if match := re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line):
            if match[1] in families:
                raise Malformed(f"a family twice: {line!r}")
            family = families[match[1]] = Family(match[1], match[2], "", [])
        elif match := re.fullmatch(rf"# TYPE ({NAME}) (\w+)", line):
            if not family or match[1] != family.name or family.type or match[2] not in TYPES:
                raise Malformed(f"type: {line!r}")
            family.type = match[2]
        elif match := SAMPLE.fullmatch(line):
            ends = ("_bucket", "_sum", "_count") if family and family.type == "histogram" else ("",)
            if not family or not family.type or match[1] not in [family.name + e for e in ends]:
                raise Malformed(f"a sample without its family: {line!r}")
            labels = _labels(match[2] or "", line)
            if ("le" in labels) != match[1].endswith("_bucket"):
                raise Malformed(f"le: {line!r}")
            family.samples.append(Sample(match[1], labels, _number(match[3], line)))
        else:
            raise Malformed(f"line: {line!r}")
    for family in families.values():
        _check_family(family)
    return families


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    text: str


class Endpoint:
    """The pages of one reader. The waiting functions poll: a page has no event to wait for."""

    def __init__(self, host, port):
        self.host, self.port = host, port

    @classmethod
    def of(cls, reader, timeout=20, count=1):
        line = reader.wait_for("metrics_served", timeout, count)
        match = re.search(r"http://\[?([^\]/]*)\]?:(\d+)/metrics", line.text)
        return cls(match[1], int(match[2]))

    def get(self, path, method="GET", timeout=10, body=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read().decode())
        finally:
            connection.close()

    def metrics(self):
        answer = self.get("/metrics")
        assert answer.status == 200, answer
        return parse(answer.text)

    def wait_status(self, path, status, containing="", timeout=30):
        """Wait until the page has this status and holds this text."""
        return self._wait(lambda: self.get(path), timeout,
                          lambda answer: answer.status == status and containing in answer.text)

    def wait_value(self, name, predicate, timeout=20, **labels):
        """Wait until the predicate holds for a metric's value."""
        return self._wait(lambda: self.metrics()[name].value(**labels), timeout, predicate)

    @staticmethod
    def _wait(ask, timeout, predicate):
        return poll(ask, predicate, timeout=timeout, interval=0.05,
                    not_yet=(OSError, http.client.HTTPException, KeyError, NoSample),
                    otherwise=lambda answer: f"still {answer!r} after {timeout} s")


def tailing(world, **options):
    """A reader at the tip of the first node, and its endpoint."""
    reader = world.start(metrics=LISTEN, **options)
    reader.wait_for("tail_started")
    world.db.wait_blocks(world.nodes[0].irreversible)
    return reader, Endpoint.of(reader)
