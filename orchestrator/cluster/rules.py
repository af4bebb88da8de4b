"""What only the API server checks, in its own words: rules across fields that no schema states.

The rules are those that a user's patch can break, and those that hold for what we build. Their words are taken from
Kubernetes' own source, as :mod:`orchestrator.cluster.jobrules` and :mod:`orchestrator.cluster.podrules` say;
`tests/testdata/kubernetes/refusals.json` holds each of them, and `pytest -m cluster tests/cluster/test_rules_there.py`
holds them to a server.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.cluster.jobrules import job_change_refusals, job_refusals, name_refusals
from orchestrator.cluster.podrules import label_refusals
from orchestrator.cluster.refusal import Object, Refusal, invalid
from orchestrator.errors import JobError

LARGEST_CONFIG_MAP = 1 << 20
LONGEST_CRON_NAME = 52
_KEY = "[-._a-zA-Z0-9]+"
_NOT_A_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    f"(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '{_KEY}')"
)


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
    yield from label_refusals(manifest["metadata"].get("labels", {}), "metadata.labels")
    match manifest["kind"]:
        case "ConfigMap":
            yield from _config_map(manifest)
        case "Job":
            yield from job_refusals(manifest["spec"], "spec")
            yield from name_refusals(manifest["metadata"]["name"], manifest["spec"])
        case "CronJob":
            yield from _cron_job(manifest)


def changed_refusals(old: Object, new: Object) -> Iterator[Refusal]:
    """Yield why the server would refuse to make `old` into `new`, both of one kind and name."""
    if old["kind"] == "ConfigMap" and old.get("immutable") and old.get("data") != new.get("data"):
        yield Refusal("data", "Forbidden: field is immutable when `immutable` is set")
    if old["kind"] == "Job":
        yield from job_change_refusals(old["spec"], new["spec"])


def _config_map(manifest: Object) -> Iterator[Refusal]:
    """Source: pkg/apis/core/validation (ValidateConfigMap), apimachinery/pkg/util/validation (IsConfigMapKey)."""
    data: Mapping[str, str] = manifest.get("data", {})
    for key in data:
        if not re.fullmatch(_KEY, key):
            yield invalid(f"data[{key}]", key, _NOT_A_KEY)
        if key in {".", ".."}:
            yield invalid(f"data[{key}]", key, f"must not be '{key}'")
        elif key.startswith(".."):
            yield invalid(f"data[{key}]", key, "must not start with '..'")
    if sum(len(text.encode()) for text in data.values()) > LARGEST_CONFIG_MAP:
        yield Refusal("[]", f"Too long: may not be more than {LARGEST_CONFIG_MAP} bytes")


def _cron_job(manifest: Object) -> Iterator[Refusal]:
    """Source: pkg/apis/batch/validation (ValidateCronJobCreate, ValidateJobTemplateSpec).

    The server takes a CronJob whose Jobs have labels that it will not take, and refuses each of these later.
    """
    name, template = manifest["metadata"]["name"], manifest["spec"]["jobTemplate"]
    yield from label_refusals(template.get("metadata", {}).get("labels", {}), "spec.jobTemplate.metadata.labels")
    yield from job_refusals(template["spec"], "spec.jobTemplate.spec")
    if len(name) > LONGEST_CRON_NAME:
        yield invalid("metadata.name", name, f"must be no more than {LONGEST_CRON_NAME} characters")
