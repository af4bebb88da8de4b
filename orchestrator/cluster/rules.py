"""What only the API server checks, in its own words: rules across fields that no schema states.

Source: k8s.io/kubernetes/pkg/apis/batch/validation/validation.go and pkg/apis/core/validation, v1.36; the rules that a
user's patch can break, and those that hold for what we build.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator.errors import JobError

type Object = Mapping[str, Any]

LARGEST_CONFIG_MAP = 1 << 20
LONGEST_LABEL = 63
LONGEST_CRON_NAME = 52
MOST_INDEXES = 100_000
MOST_PARALLEL_OF_MANY = 10_000

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")

IMMUTABLE = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "podReplacementPolicy", "selector")
"""Fields of a Job's spec that never change; `template` and `completions` have rules of their own."""


class Refusal(NamedTuple):
    """What the server says: the field and the message after it."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def check_rules(manifests: Sequence[Object]) -> None:
    """Do nothing where the server would take all of the objects.

    Raises:
        JobError: it would refuse one; the message is the server's.
    """
    for manifest in manifests:
        for refusal in refusals(manifest):
            raise JobError(
                refusal.message,
                where=f"{manifest['kind']} {manifest['metadata']['name']}: {refusal.field}",
                hint="Kubernetes would refuse it; look at kubernetes.patch first, if the job has one.",
            )


def refusals(manifest: Object) -> Iterator[Refusal]:
    """Yield why the server would refuse to create the object."""
    yield from _labels(manifest["metadata"].get("labels", {}), "metadata.labels")
    match manifest["kind"]:
        case "ConfigMap":
            yield from _config_map(manifest)
        case "Job":
            yield from _job(manifest["spec"], "spec")
            yield from _pod_names(manifest)
        case "CronJob":
            yield from _cron_job(manifest)


def changed_refusals(old: Object, new: Object) -> Iterator[Refusal]:
    """Yield why the server would refuse to make `old` into `new`, both of one kind and name."""
    if old["kind"] == "ConfigMap":
        if old.get("immutable") and old.get("data") != new.get("data"):
            yield Refusal("data", "Forbidden: field is immutable when `immutable` is set")
        return
    if old["kind"] != "Job":
        return
    before, after = old["spec"], new["spec"]
    for field in IMMUTABLE:
        if before.get(field) != after.get(field):
            yield Refusal(f"spec.{field}", f"Invalid value: {_shown(after.get(field))}: field is immutable")
    if before["template"] != after["template"]:
        yield Refusal("spec.template", f"Invalid value: {_shown(after['template'])}: field is immutable")
    completions = after.get("completions")
    if before.get("completions") != completions and completions != after.get("parallelism"):
        message = f"Invalid value: {completions}: can only be modified in tandem with spec.parallelism"
        yield Refusal("spec.completions", message)


def _config_map(manifest: Object) -> Iterator[Refusal]:
    data: Mapping[str, str] = manifest.get("data", {})
    for key in data:
        if not _KEY.fullmatch(key) or key in (".", ".."):
            message = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            yield Refusal(f"data[{key}]", f"Invalid value: {_shown(key)}: {message}")
    if sum(len(text.encode()) for text in data.values()) > LARGEST_CONFIG_MAP:
        yield Refusal("[]", f"Too long: may not be more than {LARGEST_CONFIG_MAP} bytes")


def _cron_job(manifest: Object) -> Iterator[Refusal]:
    name = manifest["metadata"]["name"]
    if len(name) > LONGEST_CRON_NAME:
        message = f"must be no more than {LONGEST_CRON_NAME} characters"
        yield Refusal("metadata.name", f"Invalid value: {_shown(name)}: {message}")
    yield from _labels(
        manifest["spec"]["jobTemplate"].get("metadata", {}).get("labels", {}), "spec.jobTemplate.metadata.labels"
    )
    yield from _job(manifest["spec"]["jobTemplate"]["spec"], "spec.jobTemplate.spec")


def _job(spec: Object, path: str) -> Iterator[Refusal]:
    indexed = spec.get("completionMode") == "Indexed"
    completions, parallelism = spec.get("completions"), spec.get("parallelism", 1)
    if indexed and completions is None:
        yield Refusal(f"{path}.completions", "Required value: when completion mode is Indexed")
    if indexed and parallelism > MOST_INDEXES:
        message = f"must be less than or equal to {MOST_INDEXES} when completion mode is Indexed"
        yield Refusal(f"{path}.parallelism", f"Invalid value: {parallelism}: {message}")
    yield from _per_index(spec, path, indexed=indexed)
    yield from _failure_policy(spec, path)
    yield from _labels(spec["template"].get("metadata", {}).get("labels", {}), f"{path}.template.metadata.labels")
    yield from _pod(spec["template"]["spec"], f"{path}.template.spec")


def _per_index(spec: Object, path: str, *, indexed: bool) -> Iterator[Refusal]:
    limit, most = spec.get("backoffLimitPerIndex"), spec.get("maxFailedIndexes")
    completions = spec.get("completions") or 0
    if limit is not None and not indexed:
        yield Refusal(f"{path}.backoffLimitPerIndex", f"Invalid value: {limit}: requires indexed completion mode")
    if most is not None and limit is None:
        yield Refusal(f"{path}.backoffLimitPerIndex", "Required value: when maxFailedIndexes is specified")
    if most is not None and most > completions:
        message = "must be less than or equal to completions"
        yield Refusal(f"{path}.maxFailedIndexes", f"Invalid value: {most}: {message}")
    if limit is None or completions <= MOST_INDEXES:
        return
    if most is None:
        message = f"Required value: must be specified when completions is above {MOST_INDEXES}"
        yield Refusal(f"{path}.maxFailedIndexes", message)
    if spec.get("parallelism", 1) > MOST_PARALLEL_OF_MANY:
        message = f"must be less than or equal to {MOST_PARALLEL_OF_MANY} when completions are above {MOST_INDEXES}"
        yield Refusal(f"{path}.parallelism", f"Invalid value: {spec['parallelism']}: {message}")


def _failure_policy(spec: Object, path: str) -> Iterator[Refusal]:
    policy = spec.get("podFailurePolicy")
    if policy is None:
        return
    if spec.get("podReplacementPolicy", "Failed") != "Failed":
        value = _shown(spec["podReplacementPolicy"])
        yield Refusal(f"{path}.podReplacementPolicy", f'Unsupported value: {value}: supported values: "Failed"')
    if spec["template"]["spec"].get("restartPolicy") != "Never":
        value = _shown(spec["template"]["spec"].get("restartPolicy"))
        message = 'only "Never" is supported when podFailurePolicy is specified'
        yield Refusal(f"{path}.template.spec.restartPolicy", f"Invalid value: {value}: {message}")
    pod = spec["template"]["spec"]
    names = {each.get("name") for kind in ("containers", "initContainers") for each in pod.get(kind, ())}
    for number, rule in enumerate(policy["rules"]):
        yield from _rule(rule, f"{path}.podFailurePolicy.rules[{number}]", names, spec)


def _rule(rule: Object, path: str, names: set[Any], spec: Object) -> Iterator[Refusal]:
    if rule["action"] == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        message = "requires the backoffLimitPerIndex to be set"
        yield Refusal(f"{path}.action", f'Invalid value: "FailIndex": {message}')
    codes = rule.get("onExitCodes")
    if codes is None:
        return
    if codes.get("containerName") not in names | {None}:
        message = "must be one of the container or initContainer names in the pod template"
        name = _shown(codes["containerName"])
        yield Refusal(f"{path}.onExitCodes.containerName", f"Invalid value: {name}: {message}")
    values = codes["values"]
    if list(values) != sorted(values):
        yield Refusal(f"{path}.onExitCodes.values", f"Invalid value: {_shown(values)}: must be ordered")
    if 0 in values and codes["operator"] == "In":
        message = "must not be 0 for the In operator"
        yield Refusal(f"{path}.onExitCodes.values[{values.index(0)}]", f"Invalid value: 0: {message}")
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        yield Refusal(f"{path}.onExitCodes.values", f"Duplicate value: {twice}")


def _pod(pod: Object, path: str) -> Iterator[Refusal]:
    volumes = [volume.get("name") for volume in pod.get("volumes", ())]
    for number, name in enumerate(volumes):
        if name in volumes[:number]:
            yield Refusal(f"{path}.volumes[{number}].name", f"Duplicate value: {_shown(name)}")
    if not pod.get("containers"):
        yield Refusal(f"{path}.containers", "Required value")
    for kind in ("initContainers", "containers"):
        for number, container in enumerate(pod.get(kind, ())):
            yield from _container(container, f"{path}.{kind}[{number}]", volumes)


def _container(container: Object, path: str, volumes: list[Any]) -> Iterator[Refusal]:
    for field in ("name", "image"):
        if not container.get(field):
            yield Refusal(f"{path}.{field}", "Required value")
    name = container.get("name", "")
    if name and (len(name) > LONGEST_LABEL or not _DNS_LABEL.fullmatch(name)):
        message = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
        yield Refusal(f"{path}.name", f"Invalid value: {_shown(name)}: {message}")
    seen: list[str] = []
    for number, mount in enumerate(container.get("volumeMounts", ())):
        where = f"{path}.volumeMounts[{number}]"
        if mount.get("name") not in volumes:
            yield Refusal(f"{where}.name", f"Not found: {_shown(mount.get('name'))}")
        if mount.get("mountPath") in seen:
            message = "must be unique"
            yield Refusal(f"{where}.mountPath", f"Invalid value: {_shown(mount['mountPath'])}: {message}")
        seen.append(mount.get("mountPath", ""))


def _labels(labels: Mapping[str, str], path: str) -> Iterator[Refusal]:
    for value in labels.values():
        if len(value) > LONGEST_LABEL:
            message = f"must be no more than {LONGEST_LABEL} bytes"
            yield Refusal(path, f"Invalid value: {_shown(value)}: {message}")
        elif not _LABEL_VALUE.fullmatch(value):
            message = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
            yield Refusal(path, f"Invalid value: {_shown(value)}: {message}")


def _pod_names(manifest: Object) -> Iterator[Refusal]:
    name, spec = manifest["metadata"]["name"], manifest["spec"]
    last = f"{name}-{(spec.get('completions') or 1) - 1}" if spec.get("completionMode") == "Indexed" else name
    if len(last) > LONGEST_LABEL or not _DNS_LABEL.fullmatch(last):
        message = f"will not able to create pod with invalid DNS label: {last}"
        yield Refusal("metadata.name", f"Invalid value: {_shown(name)}: {message}")


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
