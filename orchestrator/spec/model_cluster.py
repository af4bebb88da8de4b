"""The job file's cluster side: how the job runs on Kubernetes, and when it runs by itself.

Where Kubernetes has a name for a thing, it is that name, written with underscores.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from orchestrator.spec.cpus import Cpus
from orchestrator.spec.model_data import Frozen
from orchestrator.spec.units import Duration, Size

LOWEST_PORT, HIGHEST_PORT = 1024, 65535
"""Ports that a user who is not root may listen on."""


class Claim(Frozen, frozen=True):
    """A volume that all pods of the job share: its data, and by default its runs.

    Attributes:
        claim: The name of the PersistentVolumeClaim; ReadWriteMany where several nodes work.
        path: Where the pods see it.
        access: The claim's access mode, where it is known; `ReadWriteOnce` is refused for several nodes.
    """

    claim: str
    path: str = "/data"
    access: Literal["ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"] | None = None


class Mount(Frozen, frozen=True):
    """One more volume in the pods: exactly one of claim, secret, config_map, empty_dir.

    Attributes:
        path: Where the pods see it.
        claim: A PersistentVolumeClaim.
        secret: A Secret; each of its keys is a file.
        config_map: A ConfigMap; each of its keys is a file.
        empty_dir: An empty folder of the pod's own, at most this large.
        sub_path: The folder or file within the volume; by default all of it.
        read_only: Whether the pods can only read it; Secrets and ConfigMaps always are.
    """

    path: str
    claim: str | None = None
    secret: str | None = None
    config_map: str | None = None
    empty_dir: Size | None = None
    sub_path: str | None = None
    read_only: bool = False


class EnvSource(Frozen, frozen=True):
    """Environment variables from a Secret or a ConfigMap: one a key.

    Attributes:
        secret: The Secret's name.
        config_map: The ConfigMap's name.
        prefix: What is put before each key.
    """

    secret: str | None = None
    config_map: str | None = None
    prefix: str = ""


class Toleration(Frozen, frozen=True):
    """A taint of nodes that the pods put up with.

    Attributes:
        key: The taint's key; without one, every taint.
        operator: `Exists` takes any value, `Equal` only this one.
        value: The taint's value.
        effect: The taint's effect; without one, every effect.
        seconds: How long a pod stays when the taint appears; by default for good.
    """

    key: str | None = None
    operator: Literal["Exists", "Equal"] = "Exists"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: Annotated[int, Meta(ge=0)] | None = None


class Kubernetes(Frozen, frozen=True):
    """How the job runs on a cluster.

    Attributes:
        image: The container image; it holds ftorch, the task's dependencies, and its code unless that is small.
        pull_policy: When nodes pull the image.
        pull_secrets: The Secrets that open the image's registry.
        namespace: Where the job runs; by default the one that `kubectl` uses.
        nodes: How many nodes work at a time, one pod each.
        shards: Into how many parts the input is cut; at least `nodes`, which is also the default.
        cpu: The CPUs of each pod, asked for and at most; whole ones can be CPUs of its own.
        memory: The memory of each pod, asked for and at most; by default `resources.memory`, else 2Gi a CPU.
        store: Where runs are kept: a URL such as `s3://bucket/runs`; by default `runs` on the volume.
        volume: A PersistentVolumeClaim that all pods share.
        job_file: The job file's path in the image; without it, a ConfigMap brings the job file and its code.
        files: Globs of what the ConfigMap brings beside the job file; by default the `.py` files by the task's.
        queue: Kueue's LocalQueue, which says when the job starts.
        priority_class: The pods' PriorityClass.
        node_selector: The labels that a node must have.
        tolerations: The taints that the pods put up with.
        spread: `topology` spreads pods evenly over nodes, `anti-affinity` allows one a node, `none` does not care.
        service_account: The pods' ServiceAccount, for a cloud's identity; its token is not mounted.
        env: Environment variables.
        env_from: Environment variables from Secrets and ConfigMaps.
        volumes: More volumes.
        user: The user and group id of the process and of what it writes; never 0.
        ttl: How long a Job that has ended is kept; null keeps it.
        backoff_limit_per_index: How often a shard is tried again when its pod fails.
        max_failed_indexes: How many shards may fail before the Job is given up; by default all may.
        backoff_limit: How many pods may fail in all before the Job is given up; by default any number.
        suspend: Whether the Job waits to be resumed.
        metrics: The port on which each pod serves its figures to Prometheus at /metrics; by default none.
        patch: A strategic merge patch for the pod template, for what is not listed here.
    """

    image: str | None = None
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    pull_secrets: list[str] = field(default_factory=list)
    namespace: str | None = None
    nodes: Annotated[int, Meta(ge=1, le=100000)] = 1
    shards: Annotated[int, Meta(ge=1, le=100000)] | None = None
    cpu: Cpus = field(default_factory=lambda: Cpus.of(1))
    memory: Size | None = None
    store: str | None = None
    volume: Claim | None = None
    job_file: str | None = None
    files: list[str] | None = None
    queue: str | None = None
    priority_class: str | None = None
    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: list[Toleration] = field(default_factory=list)
    spread: Literal["topology", "anti-affinity", "none"] = "topology"
    service_account: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    env_from: list[EnvSource] = field(default_factory=list)
    volumes: list[Mount] = field(default_factory=list)
    user: Annotated[int, Meta(ge=1, le=2147483647)] = 65532
    ttl: Duration | None = field(default_factory=lambda: Duration(86400.0))
    backoff_limit_per_index: Annotated[int, Meta(ge=0, le=2147483647)] = 3
    max_failed_indexes: Annotated[int, Meta(ge=0, le=100000)] | None = None
    backoff_limit: Annotated[int, Meta(ge=0, le=2147483647)] | None = None
    suspend: bool = False
    metrics: Annotated[int, Meta(ge=LOWEST_PORT, le=HIGHEST_PORT)] | None = None
    patch: dict[str, Any] = field(default_factory=dict)


class Schedule(Frozen, frozen=True):
    """When the job runs by itself.

    Attributes:
        cron: Minute, hour, day of the month, month, day of the week.
        time_zone: The zone that the times are in.
        concurrency: Whether a run may start while the one before it still runs, or takes its place.
        starting_deadline: How late a run may start; one that is missed by more is left out. At least 10s.
        successful_jobs_history_limit: How many runs that succeeded are kept.
        failed_jobs_history_limit: How many runs that failed are kept.
        suspend: Whether no new runs start.
    """

    cron: str
    time_zone: str = "Etc/UTC"
    concurrency: Literal["Allow", "Forbid", "Replace"] = "Forbid"
    starting_deadline: Duration | None = None
    successful_jobs_history_limit: Annotated[int, Meta(ge=0, le=2147483647)] = 3
    failed_jobs_history_limit: Annotated[int, Meta(ge=0, le=2147483647)] = 1
    suspend: bool = False
