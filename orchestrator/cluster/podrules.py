"""What the API server checks of a pod template beyond its schema, in its own words; pure.

Sources (Kubernetes v1.36): pkg/apis/core/validation (ValidatePodTemplateSpec, ValidateVolumes, validateContainers,
ValidateVolumeMounts), apimachinery/pkg/util/validation (IsDNS1123Label), apimachinery/pkg/api/validate/content
(IsLabelValue) and apimachinery/pkg/apis/meta/v1/validation (ValidateLabels).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.cluster.refusal import Object, Refusal, duplicate, invalid, required

LONGEST_LABEL = 63

_DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
_LABEL_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_ENDS = "and must start and end with an alphanumeric character"
_NOT_A_NAME = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ENDS} "
    f"(e.g. 'my-name',  or '123-abc', regex used for validation is '{_DNS_LABEL}')"
)
_NOT_A_LABEL = (
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {_ENDS} "
    f"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{_LABEL_VALUE}')"
)


def template_refusals(template: Object, path: str) -> Iterator[Refusal]:
    """Yield why the server would refuse a pod template; its labels are called `template.labels` there."""
    yield from label_refusals(template.get("metadata", {}).get("labels", {}), f"{path}.labels")
    pod, inside = template["spec"], f"{path}.spec"
    volumes = [volume.get("name") for volume in pod.get("volumes", ())]
    for number, name in enumerate(volumes):
        yield from _name(name, volumes[:number], f"{inside}.volumes[{number}].name")
    if not pod.get("containers"):
        yield required(f"{inside}.containers")
    names: list[Any] = []
    for kind in ("containers", "initContainers"):
        for number, container in enumerate(pod.get(kind, ())):
            yield from _container(container, f"{inside}.{kind}[{number}]", volumes, names)
            names.append(container.get("name"))


def label_refusals(labels: Mapping[str, str], path: str) -> Iterator[Refusal]:
    """Yield why the server would refuse labels."""
    for value in labels.values():
        if len(value.encode()) > LONGEST_LABEL:
            yield invalid(path, value, f"must be no more than {LONGEST_LABEL} bytes")
        if not re.fullmatch(_LABEL_VALUE, value):
            yield invalid(path, value, _NOT_A_LABEL)


def is_dns_label(name: str) -> bool:
    """Whether a host can have that name."""
    return len(name) <= LONGEST_LABEL and re.fullmatch(_DNS_LABEL, name) is not None


def _name(name: str | None, others: list[Any], path: str) -> Iterator[Refusal]:
    """What is wrong with the name of a volume or container."""
    if not name:
        yield required(path)
        return
    if len(name) > LONGEST_LABEL:
        yield invalid(path, name, f"must be no more than {LONGEST_LABEL} characters")
    if not re.fullmatch(_DNS_LABEL, name):
        yield invalid(path, name, "must not contain dots" if re.fullmatch(_SUBDOMAIN, name) else _NOT_A_NAME)
    if name in others:
        yield duplicate(path, name)


def _container(container: Object, path: str, volumes: list[Any], others: list[Any]) -> Iterator[Refusal]:
    yield from _name(container.get("name"), others, f"{path}.name")
    if not container.get("image"):
        yield required(f"{path}.image")
    seen: list[str] = []
    for number, mount in enumerate(container.get("volumeMounts", ())):
        where = f"{path}.volumeMounts[{number}]"
        if mount.get("name") not in volumes:
            yield Refusal(f"{where}.name", f'Not found: "{mount.get("name", "")}"')
        if not mount.get("mountPath"):
            yield required(f"{where}.mountPath")
        elif mount["mountPath"] in seen:
            yield invalid(f"{where}.mountPath", mount["mountPath"], "must be unique")
        seen.append(mount.get("mountPath", ""))
