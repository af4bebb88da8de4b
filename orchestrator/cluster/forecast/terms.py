"""What a forecast is made from, as data; every figure says where it comes from."""

from typing import Literal

from msgspec import Struct

from orchestrator.measure.estimate import Estimate

THERE = "in that run"

type Origin = Literal["measured", "given", "assumed", "computed"]


class Figure(Struct, frozen=True):
    """A figure and where it comes from.

    Attributes:
        name: what it is.
        value, unit: how much; "" for a bare number.
        origin: "measured" in a run, "given" by the user or the job file, "assumed", or "computed" from others.
        source: where, or why, in words.
    """

    name: str
    value: float
    unit: str
    origin: Origin
    source: str


class Terms(Struct, frozen=True):
    """All that decides what a job takes on so many nodes. Seconds and units.

    Attributes:
        amount: how much there is to do, in the unit of `rate`.
        rate: of one node, units a second, with what it may be at worst and at best.
        items: how many items there are.
        units: how many pieces the work has whose costs differ: files, bytes or items.
        variation, most_variation: the standard deviation of one piece's cost over its mean, and what it is at worst.
        whole: whether a piece takes one thread, as an item does and a byte does not.
        item_seconds: of one thread for an item, on average.
        item_variation, most_item_variation: the same of an item's cost.
        longest, rarest: what the longest item is likely to take one thread, and may take.
        unsure: how much of `rate` the sample may be off by chance; 0 where all the input was measured.
        density: what equal stretches of the input cost, compared with each other; empty where they cost the same.
        shards: into how many the input is cut; None cuts it into as many as there are nodes.
        cpus: what a pod holds.
        threads: that work in it.
        start, start_deviation: from a pod's creation to the start of its container, and how much pods differ.
        start_unsure: how far that mean may be off by chance.
        setup: from there to the first chunk, and from the last commit to the pod's end.
        planning: by one pod, while the others wait.
        publishing, reading: by the last pod: for the results, and for each shard.
        pods_a_second: how fast the Job controller makes pods.
        evictions: of a pod, in a second of its life.
    """

    amount: float
    rate: Estimate
    items: float
    units: float
    variation: float
    most_variation: float
    whole: bool
    item_seconds: float
    item_variation: float
    most_item_variation: float
    longest: float
    rarest: float
    unsure: float
    density: tuple[float, ...]
    shards: int | None
    cpus: float
    threads: int
    start: float
    start_deviation: float
    start_unsure: float
    setup: float
    planning: float
    publishing: float
    reading: float
    pods_a_second: float
    evictions: Estimate = Estimate(0.0, 0.0, 0.0)


class Planned(Struct, frozen=True):
    """The input that is planned for.

    Attributes:
        axis: what it is cut by: "file", "byte" or "item"; None where that is not known.
        items, nbytes: None where that is not known.
        units, entries: of the plan; None where the input was not looked at.
        origin, source: where that is from.
    """

    axis: str | None
    items: int | None
    nbytes: int | None
    units: int | None
    entries: int | None
    origin: Origin
    source: str


class Row(Struct, frozen=True):
    """What the job takes on so many nodes: computed, not measured.

    Attributes:
        nodes, shards: pods at a time, and in all.
        seconds: from the Job's start to the published output; low, high: at best and at worst.
        cpu_hours: held by the nodes from the Job's start to its end.
        busy: the share of that in which items were worked on (0 to 1).
        cost: of the CPU-hours; None without a price.
        evictions: how many pods are likely to be evicted.
    """

    nodes: int
    shards: int
    seconds: float
    low: float
    high: float
    cpu_hours: float
    busy: float
    cost: float | None = None
    evictions: float = 0.0
