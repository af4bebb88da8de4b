"""What the API server checks of a pod template beyond its schema, in its own words; pure.

Sources (Kubernetes v1.36): pkg/apis/core/validation (ValidatePodTemplateSpec, ValidateVolumes, validateVolumeSource,
validateContainers, ValidateVolumeMounts, ValidateTolerations, validateTopologySpreadConstraints),
apimachinery/pkg/util/validation (IsDNS1123Label, IsQualifiedName), apimachinery/pkg/api/validate/content (IsLabelValue)
and apimachinery/pkg/apis/meta/v1/validation (ValidateLabels). What is in a container tells
:mod:`orchestrator.cluster.containerrules`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.cluster.containerrules import container_refusals, sub_path_refusals
from orchestrator.cluster.refusal import Object, Refusal, duplicate, forbidden, invalid, required, unsupported

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
_KEY_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_NOT_A_KEY = (
    f"name part must consist of alphanumeric characters, '-', '_' or '.', {_ENDS} "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_KEY_NAME}')"
)
_MATCHES_ALL = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
_SPREADING = ("DoNotSchedule", "ScheduleAnyway")
_SECONDS = 2**31 - 1
_NAMED = {"secret": "secretName", "configMap": "name", "persistentVolumeClaim": "claimName", "hostPath": "path"}
"""Kinds of volumes, and their field that must be there."""
_KINDS = (
    *("emptyDir", "hostPath", "gitRepo", "secret", "nfs", "iscsi", "persistentVolumeClaim", "cephFS", "downwardAPI"),
    *("fc", "flexVolume", "configMap", "azureFile", "azureDisk", "projected", "csi", "ephemeral", "image"),
)
"""Kinds of volumes, in the order in which the server looks for a second one."""


def template_refusals(template: Object, path: str) -> Iterator[Refusal]:
    """Yield why the server would refuse a pod template; its labels are called `template.labels` there."""
    yield from label_refusals(template.get("metadata", {}).get("labels", {}), f"{path}.labels")
    pod, inside = template["spec"], f"{path}.spec"
    volumes = [volume.get("name") for volume in pod.get("volumes", ())]
    for number, name in enumerate(volumes):
        yield from _name(name, volumes[:number], f"{inside}.volumes[{number}].name")
        yield from _volume(pod["volumes"][number], f"{inside}.volumes[{number}]")
    yield from _placing(pod, inside)
    if not pod.get("containers"):
        yield required(f"{inside}.containers")
    names: list[Any] = []
    for kind in ("containers", "initContainers"):
        for number, container in enumerate(pod.get(kind, ())):
            where = f"{inside}.{kind}[{number}]"
            yield from _container(container, where, volumes, names)
            yield from container_refusals(container, where, kind == "initContainers")
            names.append(container.get("name"))


def label_refusals(labels: Mapping[str, str], path: str) -> Iterator[Refusal]:
    """Yield why the server would refuse labels."""
    for key, value in labels.items():
        if not re.fullmatch(_KEY_NAME, key.rpartition("/")[2]):
            yield invalid(path, key, _NOT_A_KEY)
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


def _volume(volume: Object, path: str) -> Iterator[Refusal]:
    """What is wrong with where a volume comes from; the server makes an emptyDir of one that comes from nowhere."""
    kinds = [kind for kind in _KINDS if volume.get(kind) is not None]
    for kind in kinds[1:]:
        yield forbidden(f"{path}.{kind}", "may not specify more than 1 volume type")
    for kind in kinds[:1]:
        if kind in _NAMED and not volume[kind].get(_NAMED[kind]):
            yield required(f"{path}.{kind}.{_NAMED[kind]}")


def _placing(pod: Object, path: str) -> Iterator[Refusal]:
    """What is wrong with where pods may be, and for how long."""
    yield from label_refusals(pod.get("nodeSelector") or {}, f"{path}.nodeSelector")
    seconds = pod.get("activeDeadlineSeconds")
    if seconds is not None and not 1 <= seconds <= _SECONDS:
        yield invalid(f"{path}.activeDeadlineSeconds", seconds, f"must be between 1 and {_SECONDS}, inclusive")
    for number, one in enumerate(pod.get("tolerations", ())):
        where = f"{path}.tolerations[{number}]"
        if not one.get("key") and one.get("operator") != "Exists":
            yield invalid(f"{where}.operator", one.get("operator", ""), _MATCHES_ALL)
        if one.get("tolerationSeconds") is not None and one.get("effect") != "NoExecute":
            message = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield invalid(f"{where}.effect", one.get("effect", ""), message)
    for number, one in enumerate(pod.get("topologySpreadConstraints", ())):
        where = f"{path}.topologySpreadConstraints[{number}]"
        if one.get("maxSkew", 0) <= 0:
            yield invalid(f"{where}.maxSkew", one.get("maxSkew", 0), "must be greater than zero")
        if not one.get("topologyKey"):
            yield required(f"{where}.topologyKey", "can not be empty")
        if one.get("whenUnsatisfiable") not in _SPREADING:
            yield unsupported(f"{where}.whenUnsatisfiable", one.get("whenUnsatisfiable", ""), *_SPREADING)


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
        yield from sub_path_refusals(mount, f"{path}.volumeMounts")
