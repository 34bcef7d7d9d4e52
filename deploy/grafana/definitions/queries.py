"""PromQL for the panels: series of the instances that the variables select, and what is made of them."""

INTERVAL = "$__rate_interval"
TRACKS = 'job=~"$job",track=~"$track"'
INSTANCES = f'{TRACKS},instance=~"$instance"'
# A canary is compared with stable whatever $track says.
CANARY = 'job=~"$job",track="canary"'
STABLE = 'job=~"$job",track="stable"'

JOBS = 'job=~"$job"'
SERVER_FAULTS = 'code=~"UNKNOWN|INTERNAL|UNAVAILABLE|DATA_LOSS|RESOURCE_EXHAUSTED"'


def where(**labels):
    """Matchers: where(stage="total")."""
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def series(metric, *matchers, of=INSTANCES):
    """A selector: series("pointsman_connections", 'result="accepted"')."""
    return f"{metric}{{{','.join([of, *matchers])}}}"


def by(labels, expression, operation="sum"):
    """An aggregation; `labels` is empty for one series of everything."""
    return f"{operation} by ({labels}) ({expression})" if labels else f"{operation}({expression})"


def rate(metric, *matchers, labels="", of=INSTANCES, window=INTERVAL):
    """Per second, summed by `labels`."""
    return by(labels, f"rate({series(metric, *matchers, of=of)}[{window}])")


def increase(metric, *matchers, labels="", window="$__range"):
    """Within the time shown, summed by `labels`."""
    return by(labels, f"increase({series(metric, *matchers)}[{window}])")


def ratio(part, whole, labels=""):
    """`part` bears `labels`, of which `whole` bears some or none."""
    return f"{part} / on ({labels}) group_left () {whole}"


def share(metric, labels, *matchers):
    """Share of each value of `labels` in the rate of a counter."""
    return ratio(rate(metric, *matchers, labels=labels), rate(metric, *matchers))


def quantile(q, metric, *matchers, labels="", of=INSTANCES):
    """Of a histogram; by `labels`."""
    buckets = rate(f"{metric}_bucket", *matchers, labels=", ".join(filter(None, [labels, "le"])), of=of)
    return f"histogram_quantile({q}, {buckets})"


def mean(metric, *matchers, labels="", of=INSTANCES):
    """Of a histogram; by `labels`."""
    return (f"{rate(f'{metric}_sum', *matchers, labels=labels, of=of)}"
            f" / {rate(f'{metric}_count', *matchers, labels=labels, of=of)}")


def at_most(metric, bound, *matchers, of=INSTANCES):
    """Share of the observations at or below a bound of the histogram."""
    return (f"{rate(f'{metric}_bucket', where(le=bound), *matchers, of=of)}"
            f" / {rate(f'{metric}_count', *matchers, of=of)}")
