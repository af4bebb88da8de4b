"""What the API server checks of a Job beyond its schema, in its own words; pure.

Source (Kubernetes v1.36): pkg/apis/batch/validation/validation.go (ValidateJob, validateJobSpec,
validatePodFailurePolicy, validatePodReplacementPolicy, ValidateJobSpecUpdate).
"""

from collections.abc import Iterator
from typing import Any

from orchestrator.cluster.podrules import is_dns_label, template_refusals
from orchestrator.cluster.refusal import Object, Refusal, duplicate, invalid, required, unsupported

MOST_INDEXES = 100_000
MOST_OF_MANY = 10_000
MOST_RULES = 20
MOST_CODES = 255

IMMUTABLE = (
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "selector",
    "managedBy",
    "successPolicy",
)
"""Fields of a Job's spec that never change; `template` and `completions` have rules of their own."""


def job_refusals(spec: Object, path: str) -> Iterator[Refusal]:
    """Yield why the server would refuse a Job's spec."""
    indexed = spec.get("completionMode") == "Indexed"
    most = spec.get("maxFailedIndexes")
    if most is not None and spec.get("backoffLimitPerIndex") is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if indexed:
        yield from _indexed(spec, path)
    else:
        for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(field) is not None:
                yield invalid(f"{path}.{field}", spec[field], "requires indexed completion mode")
    yield from _failure_policy(spec, path)
    yield from template_refusals(spec["template"], f"{path}.template")
    yield from _restart_policy(spec, f"{path}.template.spec.restartPolicy")


def name_refusals(name: str, spec: Object) -> Iterator[Refusal]:
    """Yield why the server would refuse an Indexed Job's name: its last pod could not be called after it."""
    last = f"{name}-{(spec.get('completions') or 1) - 1}"
    if spec.get("completionMode") == "Indexed" and not is_dns_label(last):
        yield invalid("metadata.name", name, f"will not able to create pod with invalid DNS label: {last}")


def job_change_refusals(before: Object, after: Object) -> Iterator[Refusal]:
    """Yield why the server would refuse to make one Job's spec into another; whole objects it prints as Go does."""
    completions = after.get("completions")
    if before.get("completions") != completions and completions != after.get("parallelism"):
        yield invalid("spec.completions", completions, "can only be modified in tandem with spec.parallelism")
    if before["template"] != after["template"]:
        yield Refusal("spec.template", "Invalid value: core.PodTemplateSpec{…}: field is immutable")
    for field in IMMUTABLE:
        if before.get(field) != after.get(field):
            value = after.get(field)
            told = "{…}" if isinstance(value, dict) else None
            message = f"Invalid value: {told}: field is immutable"
            yield Refusal(f"spec.{field}", message) if told else invalid(f"spec.{field}", value, "field is immutable")


def _indexed(spec: Object, path: str) -> Iterator[Refusal]:
    completions, parallelism = spec.get("completions"), spec.get("parallelism", 1)
    most = spec.get("maxFailedIndexes")
    if completions is None:
        yield required(f"{path}.completions", "when completion mode is Indexed")
    if parallelism > MOST_INDEXES:
        message = f"must be less than or equal to {MOST_INDEXES} when completion mode is Indexed"
        yield invalid(f"{path}.parallelism", parallelism, message)
    if most is not None and completions is not None and most > completions:
        yield invalid(f"{path}.maxFailedIndexes", most, "must be less than or equal to completions")
    if most is not None and most > MOST_INDEXES:
        yield invalid(f"{path}.maxFailedIndexes", most, f"must be less than or equal to {MOST_INDEXES}")
    if spec.get("backoffLimitPerIndex") is not None and (completions or 0) > MOST_INDEXES:
        yield from _many(most, parallelism, path)


def _many(most: int | None, parallelism: int, path: str) -> Iterator[Refusal]:
    limit = f"must be less than or equal to {MOST_OF_MANY} when completions are above {MOST_INDEXES}"
    message = f"{limit} and used with backoff limit per index"
    if most is None:
        yield required(f"{path}.maxFailedIndexes", f"must be specified when completions is above {MOST_INDEXES}")
    if parallelism > MOST_OF_MANY:
        yield invalid(f"{path}.parallelism", parallelism, message)
    if most is not None and most > MOST_OF_MANY:
        yield invalid(f"{path}.maxFailedIndexes", most, message)


def _restart_policy(spec: Object, path: str) -> Iterator[Refusal]:
    policy = spec["template"]["spec"].get("restartPolicy", "")
    if policy in {"", "Always"}:
        yield required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in {"OnFailure", "Never"}:
        yield unsupported(path, policy, "OnFailure", "Never")
    elif policy != "Never" and spec.get("podFailurePolicy") is not None:
        yield invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _failure_policy(spec: Object, path: str) -> Iterator[Refusal]:
    policy, replacement = spec.get("podFailurePolicy"), spec.get("podReplacementPolicy", "Failed")
    if policy is None:
        return
    where, pod = f"{path}.podFailurePolicy.rules", spec["template"]["spec"]
    if len(policy["rules"]) > MOST_RULES:
        yield Refusal(where, f"Too many: {len(policy['rules'])}: must have at most {MOST_RULES} items")
    names = {each.get("name") for kind in ("containers", "initContainers") for each in pod.get(kind, ())}
    for number, rule in enumerate(policy["rules"]):
        yield from _rule(rule, f"{where}[{number}]", names, spec)
    if replacement != "Failed":
        yield unsupported(f"{path}.podReplacementPolicy", replacement, "Failed")


def _rule(rule: Object, path: str, names: set[Any], spec: Object) -> Iterator[Refusal]:
    if rule["action"] == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        yield invalid(f"{path}.action", "FailIndex", "requires the backoffLimitPerIndex to be set")
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions")
    if codes is not None:
        yield from _codes(codes, f"{path}.onExitCodes", names)
    if (codes is not None) == bool(conditions):
        which = "both OnExitCodes and OnPodConditions is not supported"
        none = "one of OnExitCodes and OnPodConditions is required"
        yield Refusal(path, f"Invalid value: specifying {which if conditions else none}")


def _codes(codes: Object, path: str, names: set[Any]) -> Iterator[Refusal]:
    name, values = codes.get("containerName"), codes["values"]
    if name is not None and name not in names:
        message = "must be one of the container or initContainer names in the pod template"
        yield invalid(f"{path}.containerName", name, message)
    if len(values) > MOST_CODES:
        yield Refusal(f"{path}.values", f"Too many: {len(values)}: must have at most {MOST_CODES} items")
    for number, value in enumerate(values):
        if value == 0 and codes["operator"] == "In":
            yield invalid(f"{path}.values[{number}]", value, "must not be 0 for the In operator")
        if value in values[:number]:
            yield duplicate(f"{path}.values[{number}]", value)
    if list(values) != sorted(values):
        yield invalid(f"{path}.values", values, "must be ordered")
