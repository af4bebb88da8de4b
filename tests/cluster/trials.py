"""Jobs on clusters by chance, foretold and simulated: `python -m tests.cluster.trials` prints how far they differ.

1 to 300 shards on 1 to 300 nodes of 1 to 16 threads, items of 20 ms to 80 s, 20 to 200 of them in a shard, pods that
start in 2 or 20 s, some of them twice as late; and, if asked for, are evicted: on average 0.02 to 3 times a shard.
"""

import json
import statistics
import sys

import msgspec

from orchestrator.cluster.forecast.making import Asked, basis_of
from orchestrator.cluster.forecast.measured import Measured, Pods, Stamps, density_of
from orchestrator.cluster.forecast.model import predict
from orchestrator.cluster.forecast.terms import Planned
from orchestrator.measure.costs import costs_of
from orchestrator.measure.estimate import Estimate
from orchestrator.spec.load import parse_job
from tests.cluster.simulation import Cluster, Node, draw, measure, seeded, uneven_start

KINDS = ("constant", "uniform", "lognormal", "pareto", "worst first", "worst last")
TIMES, EVICTED_TIMES = 3, 10
"""How often each job is simulated: more often where one eviction makes a difference."""


class Trial:
    """A job on a cluster by chance: what is foretold of it from a measured run, and what simulations come to."""

    def __init__(self, seed, kind, whole, evicted=False):
        rng, self.times = seeded(seed), EVICTED_TIMES if evicted else TIMES
        threads, shards = rng.choice([1, 2, 4, 8, 16]), rng.choice([1, 3, 10, 30, 64, 100, 300])
        nodes = min(shards, rng.choice([1, 2, 5, 8, 16, 30, 64, 100, 300]))
        items, mean = min(30_000, shards * rng.choice([20, 50, 200])), rng.choice([0.02, 0.2, 1, 5]) * threads
        node = Node(threads, slower=rng.uniform(1, 1.4))
        costs = draw(kind, items, mean, rng)
        start, setup = uneven_start(rng.choice([2, 20]), rng), rng.choice([0.1, 3])
        planning, publishing = rng.choice([0, 5]), rng.choice([0, 4])
        sample = costs if whole else draw(kind, max(50, items // 10), mean, rng)
        each = 22 + setup + items * mean * node.slower / threads / shards
        most = min(0.2 / (22 + setup), 0.1 / (max(costs) * node.slower))
        rate = min(seeded(-seed).choice([0.02, 0.2, 1, 3]) / each, most) if evicted else 0.0
        terms = foretold(node, shards, sample, start, (items, setup, planning, publishing))
        self.row = predict(msgspec.structs.replace(terms, evictions=Estimate(rate, rate, rate)), nodes)
        lives = seeded(-seed)
        runs = [
            Cluster(fresh, shards, nodes, node, start, setup, planning, publishing)
            for fresh in (costs if whole else draw(kind, items, mean, rng) for _ in range(self.times))
        ]
        for run in runs:
            run.lives = (lambda: lives.expovariate(rate)) if evicted else run.lives
        self.seconds = [run.run() for run in runs]
        self.evictions = statistics.fmean(run.evictions for run in runs)

    @property
    def error(self):
        """How far the forecast is off the simulations' mean, over that."""
        return self.row.seconds / statistics.fmean(self.seconds) - 1

    @property
    def inside(self):
        """How many of the simulations lie in the interval."""
        return sum(self.row.low <= seconds <= self.row.high for seconds in self.seconds)


def foretold(node, shards, sample, start, more):
    """What a run of some items on one node, and a hundred pods that started, say of a job on a cluster."""
    items, setup, planning, publishing = more
    ends, meters = measure(node, sample)
    costs = costs_of(meters)
    part = len(sample) / items
    measured = Measured(
        run="r",
        where="r",
        ended=0.0,
        items=len(sample),
        nbytes=0,
        units=len(sample),
        seconds=statistics.fmean(ends),
        setup=setup,
        threads=node.threads,
        cpus=float(node.threads),
        axis="item",
        costs=costs,
        density=density_of(costs),
        entries=len(sample),
        stamps=Stamps(0.0, planning * part, 0.0, publishing * part),
        limited=part < 1,
    )
    starts = [start() for _ in range(100)]
    pods = Pods("p", 100, statistics.fmean(starts), statistics.stdev(starts), 0.0)
    kubernetes = {"cpu": node.threads, "shards": shards}
    job = {"task": "./t.py:f", "input": {"range": {"stop": items}}, "kubernetes": kubernetes}
    planned = Planned("item", items, 0, items, items, "given", "")
    terms = basis_of(parse_job(json.dumps(job).encode()), measured, planned, Asked(pods=pods)).terms
    return msgspec.structs.replace(terms, reading=0.0)


def trials(kind, whole, seeds, evicted=False):
    """One for each seed."""
    return [Trial(seed, kind, whole, evicted) for seed in seeds]


def errors(found):
    """How far forecasts are off, the best first."""
    return sorted(abs(trial.error) for trial in found)


def covered(found):
    """The share of simulations that lie in their interval."""
    return sum(trial.inside for trial in found) / sum(trial.times for trial in found)


def main(count):
    """Print a line for each kind of costs, measured whole and by a tenth."""
    sys.stdout.write("measured  costs                   median  9 of 10  the worst  in the interval\n")
    for whole, evicted in ((True, False), (False, False), (True, True), (False, True)):
        for kind in KINDS:
            found = trials(kind, whole, range(5000, 5000 + count), evicted)
            off = errors(found)
            shown = (off[len(off) // 2], off[len(off) * 9 // 10], off[-1], covered(found))
            cells = "  ".join(f"{100 * figure:7.1f}%" for figure in shown)
            about = f"{'whole' if whole else 'a tenth':8}  {kind:11} {'evicted' if evicted else '':7}"
            sys.stdout.write(f"{about} {cells}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 150)
