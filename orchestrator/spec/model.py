"""The job file as frozen data: every field, its type, its default and what it means.

The names are the keys of job.yaml. The JSON Schema, the documentation and the Helm chart's values are
made from these classes, so a class's docstring and its `Attributes:` are user documentation. Rules that one
field alone cannot state (exactly one input, a template only for text) are in :mod:`orchestrator.spec.rules`.

Defaults with a unit come from factories: a default that is an object of ours has no place in a JSON Schema.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from orchestrator.spec.model_cluster import Kubernetes, Schedule
from orchestrator.spec.model_data import (
    CsvInput,
    FilesInput,
    Frozen,
    Input,
    JsonlInput,
    LinesInput,
    ObjectsInput,
    Output,
    RangeInput,
)
from orchestrator.spec.units import Duration, Share, Size

__all__ = [
    "CsvInput",
    "Failures",
    "FilesInput",
    "Frozen",
    "Input",
    "JobSpec",
    "JsonlInput",
    "Kubernetes",
    "LinesInput",
    "Measure",
    "ObjectsInput",
    "Output",
    "RangeInput",
    "Remote",
    "Resources",
    "Retry",
    "Runtime",
    "Schedule",
    "Timeout",
]


class Resources(Frozen, frozen=True):
    """What the job may use of the machine.

    Attributes:
        threads: `auto` takes what the CPU affinity and the container's quota allow.
        profile: `cpu` counts physical cores; `mixed` (compute and wait) tries more while that pays.
        rounding: What becomes of a quota of 2.5 CPUs.
        memory: What the job may use; without it, what the container allows.
        pin: Whether each thread keeps to one CPU.
    """

    threads: Literal["auto"] | Annotated[int, Meta(ge=1, le=4096)] = "auto"
    profile: Literal["cpu", "mixed"] = "cpu"
    rounding: Literal["floor", "ceil", "nearest"] = "floor"
    memory: Size | None = None
    pin: bool = False


class Retry(Frozen, frozen=True):
    """How often an item that raised is tried, and how long it waits between.

    The n-th wait is backoff times 2ⁿ⁻¹, and at most max_backoff.

    Attributes:
        attempts: How often an item is tried in all; 1 is no retry.
        backoff: The first wait.
        max_backoff: The longest wait.
    """

    attempts: Annotated[int, Meta(ge=1, le=100)] = 3
    backoff: Duration = field(default_factory=lambda: Duration(1.0))
    max_backoff: Duration = field(default_factory=lambda: Duration(30.0))


class Failures(Frozen, frozen=True):
    """What an item that failed every attempt means for the run.

    `quarantine` sets it aside and goes on; `stop` ends the run. With `max_failed` the run ends as soon as
    more items than that have failed; without it the run goes to its end and exits 1 if any item failed.

    Attributes:
        policy: Set failed items aside and go on, or stop at the first.
        max_failed: How many items may fail: a number, or a percentage of all.
        max_crashes: How many times items may kill the worker process before the run gives up.
    """

    policy: Literal["quarantine", "stop"] = "quarantine"
    max_failed: Share | None = None
    max_crashes: Annotated[int, Meta(ge=0)] = 100


class Timeout(Frozen, frozen=True):
    """How long an item and the whole job may take, and how long a stop may take to finish what runs.

    Attributes:
        item: The longest that one item may take.
        job: The longest that the run may take.
        grace: How long running items may go on after a stop was asked for.
    """

    item: Duration | None = None
    job: Duration | None = None
    grace: Duration = field(default_factory=lambda: Duration(25.0))


class Runtime(Frozen, frozen=True):
    """What the job asks of the interpreter.

    Attributes:
        free_threading: `required` refuses to run with the GIL on; `preferred` runs on processes then.
        backend: `auto` takes threads where the GIL is off, and processes where it is on.
        gc: The cyclic garbage collector; `auto` freezes what set-up made, and collects more rarely where pauses cost.
    """

    free_threading: Literal["required", "preferred"] = "preferred"
    backend: Literal["auto", "threads", "processes"] = "auto"
    gc: Literal["auto", "freeze", "default", "off"] = "auto"


class Measure(Frozen, frozen=True):
    """What a run measures of itself.

    Attributes:
        scaling: Whether the first seconds measure how the job scales with threads.
    """

    scaling: Literal["auto", "off"] = "auto"


class Remote(Frozen, frozen=True):
    """How buckets are reached: for input, output and the run's own state. Credentials have no place here.

    Attributes:
        endpoint_url: The server of an S3-compatible service; by default AWS_ENDPOINT_URL, else the provider's own.
        region: The bucket's region; by default AWS_REGION, or the profile's.
        path_style: Whether the bucket is named in the path; by default where there is an `endpoint_url`.
        allow_http: Whether data may go unencrypted to another machine.
        anonymous: Whether requests are unsigned, as for public buckets.
        timeout: How long a server may be silent before a request is tried again.
        retry_timeout: How long a request is tried again before the run stops, resumable.
        connections: How many objects each process downloads, or writes, at a time.
        in_flight: How many bytes of objects are downloaded ahead of the task, in each process.
    """

    endpoint_url: str | None = None
    region: str | None = None
    path_style: bool | None = None
    allow_http: bool = False
    anonymous: bool = False
    timeout: Duration = field(default_factory=lambda: Duration(60.0))
    retry_timeout: Duration = field(default_factory=lambda: Duration(180.0))
    connections: Annotated[int, Meta(ge=1, le=256)] = 16
    in_flight: Size = field(default_factory=lambda: Size(128 << 20))


class JobSpec(Frozen, frozen=True):
    """A whole job file.

    Attributes:
        task: The function for each item: `module.path:function`, or `./file.py:function` beside the file.
        input: Where the items come from: exactly one of files, objects, lines, jsonl, csv, range.
        apiVersion: The version of this format.
        kind: What the file describes.
        name: The job's name: lower-case letters, digits and dashes; by default the file's or its folder's.
        with: Keyword arguments for the task.
        output: Where the results go, and how they are written.
        resources: What the job may use of the machine.
        retry: How often an item that raised is tried again.
        failures: What a failed item means for the run.
        timeout: How long things may take.
        runtime: What the job asks of the interpreter.
        measure: What a run measures of itself.
        remote: How buckets are reached.
        kubernetes: How the job runs on a cluster.
        schedule: When the job runs by itself.
    """

    task: str
    input: Input
    apiVersion: Literal["ftorch/v1"] = "ftorch/v1"  # noqa: N815 - Kubernetes' spelling, which users know
    kind: Literal["Job"] = "Job"
    name: str = "job"
    arguments: dict[str, Any] = field(default_factory=dict, name="with")
    output: Output = field(default_factory=Output)
    resources: Resources = field(default_factory=Resources)
    retry: Retry = field(default_factory=Retry)
    failures: Failures = field(default_factory=Failures)
    timeout: Timeout = field(default_factory=Timeout)
    runtime: Runtime = field(default_factory=Runtime)
    measure: Measure = field(default_factory=Measure)
    remote: Remote = field(default_factory=Remote)
    kubernetes: Kubernetes = field(default_factory=Kubernetes)
    schedule: Schedule | None = None
