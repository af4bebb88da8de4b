"""The job file as frozen data: every field, its type, its default and what it means.

The names are the keys of job.yaml. The JSON Schema, the documentation and the Helm chart's values are
made from these classes, so a field's docstring is its user documentation. Rules that one field alone
cannot state (exactly one input, a template only for text) are in :mod:`orchestrator.spec.rules`.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from orchestrator.spec.units import Duration, Share, Size


class Frozen(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=False):
    """What every part of a job has in common: immutable, and no unknown key."""


class FilesInput(Frozen):
    """Every regular file below `root` is one item, in a stable order (folder by folder, names by their bytes)."""

    root: str
    include: list[str] = field(default_factory=lambda: ["**"])
    exclude: list[str] = field(default_factory=list)
    symlinks: Literal["skip", "inside", "follow"] = "skip"


class LinesInput(Frozen):
    """Every line of the text files is one item, without its newline (LF, CRLF or CR)."""

    path: str | list[str]
    encoding: Literal["utf-8", "latin-1", "bytes"] = "utf-8"
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"


class JsonlInput(Frozen):
    """Every line of the JSON Lines files is one item: the decoded value. Blank lines are passed over."""

    path: str | list[str]
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"


class CsvInput(Frozen):
    """Every record of the CSV files is one item: a dict of its fields by the names in the header row."""

    path: str | list[str]
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    columns: list[str] | None = None
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"


class RangeInput(Frozen):
    """The integers start, start + step, … below stop, as Python's range has them."""

    stop: int
    start: int = 0
    step: int = 1


class Input(Frozen):
    """Where the items come from: exactly one of the kinds."""

    files: FilesInput | None = None
    lines: LinesInput | None = None
    jsonl: JsonlInput | None = None
    csv: CsvInput | None = None
    range: RangeInput | None = None


class Output(Frozen):
    """Where the results go, and how they are written."""

    path: str | None = None
    format: Literal["auto", "jsonl", "csv", "text", "tree", "json", "none"] = "auto"
    order: Literal["input", "finished"] = "input"
    keys: bool = True
    template: str = "{result}"
    escape: Literal["none", "gnu"] = "none"
    columns: list[str] | None = None
    name: str = "{key}"
    part_size: Size = Size(256 << 20)
    overwrite: bool = False


class Resources(Frozen):
    """What the job may use of the machine."""

    threads: Literal["auto"] | Annotated[int, Meta(ge=1, le=4096)] = "auto"
    profile: Literal["cpu", "mixed"] = "cpu"
    rounding: Literal["floor", "ceil", "nearest"] = "floor"
    memory: Size | None = None
    pin: bool = False


class Retry(Frozen):
    """How often an item that raised is tried, and how long it waits between: backoff × 2ⁿ, at most max_backoff."""

    attempts: Annotated[int, Meta(ge=1, le=100)] = 3
    backoff: Duration = Duration(1.0)
    max_backoff: Duration = Duration(30.0)


class Failures(Frozen):
    """What an item that failed every attempt means for the run.

    `quarantine` sets it aside and goes on; `stop` ends the run. With `max_failed` the run ends as soon as
    more items than that have failed; without it the run goes to its end and exits 1 if any item failed.
    """

    policy: Literal["quarantine", "stop"] = "quarantine"
    max_failed: Share | None = None
    max_crashes: Annotated[int, Meta(ge=0)] = 100


class Timeout(Frozen):
    """How long an item and the whole job may take, and how long a stop may take to finish what runs."""

    item: Duration | None = None
    job: Duration | None = None
    grace: Duration = Duration(25.0)


class Runtime(Frozen):
    """What the job asks of the interpreter."""

    free_threading: Literal["required", "preferred"] = "preferred"
    backend: Literal["auto", "threads", "processes"] = "auto"
    gc: Literal["auto", "freeze", "default", "off"] = "auto"


class Measure(Frozen):
    """What a run measures of itself."""

    scaling: Literal["auto", "off"] = "auto"


class Kubernetes(Frozen):
    """How the job runs on a cluster."""

    image: str | None = None
    nodes: Annotated[int, Meta(ge=1)] = 1
    shards: Annotated[int, Meta(ge=1)] | None = None
    cpu: Annotated[int, Meta(ge=1)] | None = None
    memory: Size | None = None


class Schedule(Frozen):
    """When the job runs by itself."""

    cron: str
    time_zone: str = "Etc/UTC"
    concurrency: Literal["Allow", "Forbid", "Replace"] = "Forbid"


class JobSpec(Frozen):
    """A whole job file."""

    task: str
    input: Input
    apiVersion: Literal["ftorch/v1"] = "ftorch/v1"
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
    kubernetes: Kubernetes = field(default_factory=Kubernetes)
    schedule: Schedule | None = None
