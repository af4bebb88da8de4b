"""The few fields of Jobs, Pods and watch events that the client reads; what else an object holds is skipped.

The names are Kubernetes' own, in its camelCase on the wire. Decoding into these keeps nothing of the rest of an object,
so that a watch over thousands of pods needs no more memory than their states.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
JOB_NAME = "batch.kubernetes.io/job-name"
MANAGED_BY = "app.kubernetes.io/managed-by"
JOB_LABEL = "ftorch.dev/job"
FIELD_MANAGER = "ftorch"


class _Object(Struct, frozen=True, rename="camel"):
    """Any object of the API."""


class Meta(_Object, frozen=True):
    """An object's metadata."""

    name: str = ""
    uid: str = ""
    namespace: str = ""
    resource_version: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class Condition(_Object, frozen=True):
    """Something that an object says of itself."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    last_transition_time: datetime | None = None


class Waiting(_Object, frozen=True):
    """A container that has not started."""

    reason: str | None = None
    message: str | None = None


class Running(_Object, frozen=True):
    """A container at work."""

    started_at: datetime | None = None


class Terminated(_Object, frozen=True):
    """A container that ended."""

    exit_code: int = 0
    signal: int | None = None
    reason: str | None = None
    message: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(_Object, frozen=True):
    """One of three."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(_Object, frozen=True):
    """How a container is."""

    name: str
    state: ContainerState = field(default_factory=ContainerState)


class PodStatus(_Object, frozen=True):
    """How a pod is."""

    phase: str = "Pending"
    reason: str | None = None
    message: str | None = None
    conditions: list[Condition] = field(default_factory=list)
    container_statuses: list[ContainerStatus] = field(default_factory=list)


class Amounts(_Object, frozen=True):
    """What a container asks for."""

    requests: dict[str, str | int | float] = field(default_factory=dict)


class Container(_Object, frozen=True):
    """A container of a pod."""

    name: str
    resources: Amounts = field(default_factory=Amounts)


class PodSpec(_Object, frozen=True):
    """Where a pod is, and what it holds there."""

    node_name: str | None = None
    containers: list[Container] = field(default_factory=list)


class Pod(_Object, frozen=True):
    """A pod."""

    metadata: Meta
    spec: PodSpec = field(default_factory=PodSpec)
    status: PodStatus = field(default_factory=PodStatus)


class BatchSpec(_Object, frozen=True):
    """What a Job asks for."""

    completions: int | None = None
    parallelism: int | None = None
    suspend: bool = False
    completion_mode: str = "NonIndexed"


class BatchStatus(_Object, frozen=True):
    """How far a Job is."""

    active: int = 0
    ready: int = 0
    succeeded: int = 0
    failed: int = 0
    terminating: int = 0
    completed_indexes: str | None = None
    failed_indexes: str | None = None
    conditions: list[Condition] = field(default_factory=list)
    start_time: datetime | None = None
    completion_time: datetime | None = None


class BatchJob(_Object, frozen=True):
    """A Job of Kubernetes."""

    metadata: Meta
    spec: BatchSpec = field(default_factory=BatchSpec)
    status: BatchStatus = field(default_factory=BatchStatus)


class CronSpec(_Object, frozen=True):
    """When a CronJob makes a Job."""

    schedule: str = ""
    suspend: bool = False


class CronStatus(_Object, frozen=True):
    """What a CronJob did."""

    active: list[dict[str, str]] = field(default_factory=list)
    last_schedule_time: datetime | None = None


class CronJob(_Object, frozen=True):
    """A CronJob of Kubernetes."""

    metadata: Meta
    spec: CronSpec = field(default_factory=CronSpec)
    status: CronStatus = field(default_factory=CronStatus)


class Event(Struct, frozen=True):
    """One line of a watch; the object is decoded once its type is known."""

    type: str
    object: Raw


class Marked(_Object, frozen=True):
    """What any object of a watch has."""

    metadata: Meta


class Page(_Object, frozen=True):
    """One page of a list."""

    metadata: dict[str, Any]
    items: list[Raw] = field(default_factory=list)


class Details(_Object, frozen=True):
    """What a refusal is about."""

    name: str | None = None
    group: str | None = None
    kind: str | None = None
    causes: list[dict[str, str]] = field(default_factory=list)


class Status(_Object, frozen=True):
    """What the API server answers instead of an object."""

    code: int = 0
    reason: str | None = None
    message: str | None = None
    details: Details | None = None


def decode[T](data: bytes | Raw, kind: type[T]) -> T:
    """An object of that kind.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return msgspec.json.decode(data, type=kind, strict=False)
