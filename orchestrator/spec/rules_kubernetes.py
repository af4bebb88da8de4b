"""Rules for `kubernetes:` and `schedule:`: what the API server would refuse, told before it is asked.

Sources: k8s.io/apimachinery/pkg/util/validation (names, labels, variables) and, for Jobs,
k8s.io/kubernetes/pkg/apis/batch/validation.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from orchestrator.spec.cpus import Cpus
from orchestrator.spec.dns import (
    LONGEST_LABEL,
    label_mistake,
    name_mistake,
    near_name,
    qualified_mistake,
    value_mistake,
)
from orchestrator.spec.model import JobSpec
from orchestrator.spec.model_cluster import EnvSource, Kubernetes, Mount, Toleration
from orchestrator.spec.nodes import FieldPath, shown
from orchestrator.spec.problems import Problem
from orchestrator.spec.units import Duration

BASE = ("kubernetes",)
LONGEST_SECONDS = 2**31 - 1
LATEST_START = Duration(10)
TICK = 9
"""What a CronJob adds to its name for a Job: a dash and the minute since 1970, eight digits."""

OURS = frozenset(("FTORCH_STORE", "FTORCH_RUN", "FTORCH_POD", "FTORCH_NODE", "JOB_COMPLETION_INDEX", "HOME"))
"""Variables of the pods that ftorch or Kubernetes sets."""

TAKEN_PATHS = ("/ftorch/job", "/tmp", "/dev", "/proc", "/sys")
SCHEMES = ("s3", "gs", "az", "file")

_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"  # github.com/distribution/reference
)


def kubernetes_problems(spec: JobSpec) -> Iterator[Problem]:
    """Yield what is wrong with how the job runs on a cluster."""
    wanted = spec.kubernetes
    yield from _counts(wanted)
    yield from _names(wanted)
    yield from _places(wanted)
    yield from _variables(wanted)
    for index, toleration in enumerate(wanted.tolerations):
        yield from _toleration((*BASE, "tolerations", index), toleration)
    yield from _patch(wanted)


def schedule_problems(spec: JobSpec) -> Iterator[Problem]:
    """Yield what is wrong with when the job runs."""
    if spec.schedule is None:
        return
    from orchestrator.spec.cron import EXAMPLE, cron_mistakes, zone_mistake

    for mistake in cron_mistakes(spec.schedule.cron):
        yield Problem(("schedule", "cron"), mistake, f"Example: {EXAMPLE}.")
    zone = zone_mistake(spec.schedule.time_zone)
    if zone is not None:
        yield Problem(("schedule", "time_zone"), zone)
    deadline = spec.schedule.starting_deadline
    if deadline is not None and deadline < LATEST_START:
        message = f"found {deadline}, expected at least {LATEST_START}"
        hint = "The controller looks every ten seconds; with less, runs may be left out."
        yield Problem(("schedule", "starting_deadline"), message, hint)
    longest = LONGEST_LABEL - TICK - index_digits(spec.kubernetes)
    if len(spec.name) > longest:
        message = f"found {len(spec.name)} characters, expected at most {longest} with a schedule and so many shards"
        hint = f"A pod's name has {LONGEST_LABEL}: the job's, the minute's and the shard's number."
        yield Problem(("name",), message, hint)


def shards_of(wanted: Kubernetes) -> int:
    """Into how many shards the input is cut."""
    return wanted.shards or wanted.nodes


def index_digits(wanted: Kubernetes) -> int:
    """What an index adds to its pod's name: a dash and its digits."""
    return 1 + len(str(shards_of(wanted) - 1))


def _counts(wanted: Kubernetes) -> Iterator[Problem]:
    if wanted.shards is not None and wanted.shards < wanted.nodes:
        yield Problem(
            (*BASE, "shards"),
            f"found {wanted.shards}, expected at least kubernetes.nodes, which is {wanted.nodes}",
            "A node works on one shard at a time; with fewer shards than nodes some would be idle.",
        )
    if wanted.cpu.milli < Cpus.of(1).milli:
        yield Problem(
            (*BASE, "cpu"),
            f"found {wanted.cpu}, expected at least 1: below one CPU even a single thread is throttled",
            "Take fewer nodes of a whole CPU each.",
        )
    failed = wanted.max_failed_indexes
    if failed is not None and failed > shards_of(wanted):
        message = f"found {failed}, expected at most the number of shards, which is {shards_of(wanted)}"
        yield Problem((*BASE, "max_failed_indexes"), message)
    if wanted.ttl is not None and wanted.ttl.seconds > LONGEST_SECONDS:
        yield Problem((*BASE, "ttl"), f"found {wanted.ttl}, expected at most 68 years", "Write null to keep the Job.")
    access = wanted.volume.access if wanted.volume is not None else None
    if access not in (None, "ReadWriteMany") and wanted.nodes > 1:
        yield Problem(
            (*BASE, "volume", "access"),
            f"found {access}, expected ReadWriteMany: kubernetes.nodes is {wanted.nodes}",
            "Such a claim can be mounted on one node only; take a ReadWriteMany claim, a bucket (store), or nodes: 1.",
        )


def _names(wanted: Kubernetes) -> Iterator[Problem]:
    single: list[tuple[FieldPath, str | None, Callable[[str], str | None]]] = [
        (("namespace",), wanted.namespace, label_mistake),
        (("queue",), wanted.queue, label_mistake),
        (("priority_class",), wanted.priority_class, name_mistake),
        (("service_account",), wanted.service_account, name_mistake),
        (("volume", "claim"), wanted.volume.claim if wanted.volume else None, name_mistake),
        *((("pull_secrets", index), name, name_mistake) for index, name in enumerate(wanted.pull_secrets)),
    ]
    for path, name, mistake_of in single:
        if name is not None and (mistake := mistake_of(name)) is not None:
            yield Problem((*BASE, *path), mistake, near_name(name))
    if wanted.image is not None and not _IMAGE.fullmatch(wanted.image):
        message = f'found the text "{shown(wanted.image)}", expected an image, such as example.org/team/name:tag'
        yield Problem((*BASE, "image"), message)
    for key, value in wanted.node_selector.items():
        path = (*BASE, "node_selector", key)
        if (mistake := qualified_mistake(key)) is not None:
            yield Problem(path, mistake, at_key=True)
        if (mistake := value_mistake(value)) is not None:
            yield Problem(path, mistake)


def _places(wanted: Kubernetes) -> Iterator[Problem]:
    taken = list(TAKEN_PATHS)
    if wanted.volume is not None:
        yield from _path((*BASE, "volume", "path"), wanted.volume.path, taken)
        taken.append(wanted.volume.path)
    for index, mount in enumerate(wanted.volumes):
        path = (*BASE, "volumes", index)
        yield from _path((*path, "path"), mount.path, taken)
        yield from _source(path, mount)
        taken.append(mount.path)
    if wanted.store is not None:
        yield from _store(wanted.store)
    if wanted.job_file is not None:
        yield from _path((*BASE, "job_file"), wanted.job_file, [])
        if wanted.files is not None:
            yield Problem((*BASE, "files"), "job_file names a job in the image, so there is no ConfigMap for files")
    for index, pattern in enumerate(wanted.files or ()):
        if pattern.startswith("/") or ".." in pattern.split("/") or not pattern:
            message = f'found "{shown(pattern)}", expected a pattern below the job file\'s folder'
            yield Problem((*BASE, "files", index), message)


def _store(url: str) -> Iterator[Problem]:
    scheme, colon, rest = url.partition("://")
    known = ", ".join(f"{each}://" for each in SCHEMES)
    if not colon or scheme not in SCHEMES or not rest.strip("/"):
        message = f'found the text "{shown(url.rpartition("@")[2])}", expected a URL that begins with one of {known}'
        yield Problem((*BASE, "store"), message, "Example: s3://bucket/runs")
    elif "@" in rest.partition("/")[0]:
        hint = "Give the pods an identity (service_account) or a Secret (env_from)."
        yield Problem((*BASE, "store"), "found credentials in the URL, expected none", hint)


def _path(path: FieldPath, value: str, taken: list[str]) -> Iterator[Problem]:
    if not value.startswith("/") or ".." in value.split("/") or ":" in value or value.rstrip("/") == "":
        yield Problem(path, f'found "{shown(value)}", expected an absolute path in the container, such as /data')
        return
    clean = PurePosixPath(value)
    for other in taken:
        if clean == PurePosixPath(other) or (other in TAKEN_PATHS and clean.is_relative_to(other)):
            yield Problem(path, f'found "{shown(value)}", which is taken by {other}')


def _source(path: FieldPath, mount: Mount) -> Iterator[Problem]:
    names = {"claim": mount.claim, "secret": mount.secret, "config_map": mount.config_map}
    given = [kind for kind, name in (*names.items(), ("empty_dir", mount.empty_dir)) if name is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        yield Problem(path, f"found {found}, expected exactly one of claim, secret, config_map, empty_dir")
    for kind, name in names.items():
        if name is not None and (mistake := name_mistake(name)) is not None:
            yield Problem((*path, kind), mistake, near_name(name))
    if mount.sub_path is not None and (mount.sub_path.startswith("/") or ".." in mount.sub_path.split("/")):
        yield Problem((*path, "sub_path"), f'found "{shown(mount.sub_path)}", expected a path below the volume\'s root')


def _variables(wanted: Kubernetes) -> Iterator[Problem]:
    for name in wanted.env:
        path = (*BASE, "env", name)
        if name in OURS:
            yield Problem(path, "this variable is set by ftorch; choose another name", at_key=True)
        elif not _VARIABLE.fullmatch(name):
            message = "expected letters, digits, _, - and ., no digit first"
            yield Problem(path, f'found the name "{shown(name)}", {message}', at_key=True)
    for index, source in enumerate(wanted.env_from):
        yield from _env_source((*BASE, "env_from", index), source)


def _env_source(path: FieldPath, source: EnvSource) -> Iterator[Problem]:
    if (source.secret is None) == (source.config_map is None):
        yield Problem(path, "expected exactly one of secret, config_map")
    for kind, name in (("secret", source.secret), ("config_map", source.config_map)):
        if name is not None and (mistake := name_mistake(name)) is not None:
            yield Problem((*path, kind), mistake, near_name(name))
    if source.prefix and not _VARIABLE.fullmatch(source.prefix):
        yield Problem((*path, "prefix"), f'found the text "{shown(source.prefix)}", expected the start of a name')


def _toleration(path: FieldPath, toleration: Toleration) -> Iterator[Problem]:
    if toleration.operator == "Exists" and toleration.value is not None:
        yield Problem((*path, "value"), "operator: Exists takes any value", "Write operator: Equal, or no value.")
    if toleration.operator == "Equal" and not toleration.key:
        yield Problem((*path, "operator"), "operator: Equal needs a key")
    if toleration.key and (mistake := qualified_mistake(toleration.key)) is not None:
        yield Problem((*path, "key"), mistake)
    if toleration.seconds is not None and toleration.effect != "NoExecute":
        yield Problem((*path, "seconds"), "seconds mean something only for effect: NoExecute")


def _patch(wanted: Kubernetes) -> Iterator[Problem]:
    for key in wanted.patch:
        if key not in ("metadata", "spec"):
            hint = "It patches the pod template: {spec: {hostAliases: […]}}."
            yield Problem((*BASE, "patch", key), "expected metadata or spec", hint, at_key=True)
