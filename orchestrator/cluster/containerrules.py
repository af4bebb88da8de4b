"""What the API server checks of a pod's containers beyond their schema, in its own words; pure.

Sources (Kubernetes v1.36): pkg/apis/core/validation (validateContainerCommon, validateInitContainers, ValidateEnv,
validateEnvVarValueFrom, ValidateEnvFrom, validateContainerPorts, ValidateVolumeMounts, ValidateResourceRequirements),
pkg/apis/core/helper (IsOvercommitAllowed) and apimachinery/pkg/util/validation (IsRelaxedEnvVarName, IsValidPortName).
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from orchestrator.cluster.refusal import Object, Refusal, duplicate, forbidden, invalid, required, unsupported
from orchestrator.spec.units import SUFFIXES

LONGEST_PORT_NAME = 15
HIGHEST_PORT = 65535

_PULLED = ("Always", "IfNotPresent", "Never")
_ONLY_OF_SIDECARS = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_NOT_A_VARIABLE = "a valid environment variable name must consist only of printable ASCII characters other than '='"
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([A-Za-z]*)")
_SMALL = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000)}


def container_refusals(container: Object, path: str, initial: bool) -> Iterator[Refusal]:
    """Yield why the server would refuse what is in a container: variables, ports, resources, how it is pulled.

    Args:
        container: the container.
        path: its own.
        initial: whether it is an init container.
    """
    policy = container.get("imagePullPolicy")
    if policy is not None and policy not in _PULLED:
        yield unsupported(f"{path}.imagePullPolicy", policy, *_PULLED)
    if initial and container.get("restartPolicy") != "Always":
        for field in _ONLY_OF_SIDECARS:
            if container.get(field) is not None:
                yield forbidden(f"{path}.{field}", "may not be set for init containers without restartPolicy=Always")
    for number, variable in enumerate(container.get("env", ())):
        yield from _variable(variable, f"{path}.env[{number}]")
    yield from _env_from(container.get("envFrom", ()), f"{path}.envFrom")
    yield from _ports(container.get("ports", ()), f"{path}.ports")
    yield from _resources(container.get("resources", {}), f"{path}.resources")


def sub_path_refusals(mount: Object, path: str) -> Iterator[Refusal]:
    """Yield why the server would refuse the folder of a volume that is mounted; `path` is that of all mounts there."""
    for field in ("subPath", "subPathExpr"):
        below = mount.get(field) or ""
        if below.startswith("/"):
            yield invalid(f"{path}.{field}", below, "must be a relative path")
        if ".." in below.split("/"):
            yield invalid(f"{path}.{field}", below, "must not contain '..'")


def _variable(variable: Object, path: str) -> Iterator[Refusal]:
    name, source = variable.get("name"), variable.get("valueFrom")
    if not name:
        yield required(f"{path}.name")
    elif not (name.isascii() and name.isprintable()) or "=" in name:
        yield invalid(f"{path}.name", name, _NOT_A_VARIABLE)
    if not source:
        return
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in source and not source[kind].get("key"):
            yield required(f"{path}.valueFrom.{kind}.key")
    if variable.get("value"):
        yield invalid(f"{path}.valueFrom", "", "may not be specified when `value` is not empty")
    elif len(source) > 1:
        yield invalid(f"{path}.valueFrom", "", "may not have more than one field specified at a time")


def _env_from(sources: Any, path: str) -> Iterator[Refusal]:
    for source in sources:
        given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        if not given:
            yield invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            yield invalid(path, "", "may not have more than one field specified at a time")


def _ports(ports: Any, path: str) -> Iterator[Refusal]:
    names: list[str] = []
    for number, port in enumerate(ports):
        where, name = f"{path}[{number}]", port.get("name") or ""
        if len(name) > LONGEST_PORT_NAME:
            yield invalid(f"{where}.name", name, f"must be no more than {LONGEST_PORT_NAME} characters")
        if name in names:
            yield duplicate(f"{where}.name", name)
        names += [name] if name else []
        if not port.get("containerPort"):
            yield required(f"{where}.containerPort")
        elif not 0 < port["containerPort"] <= HIGHEST_PORT:
            within = f"must be between 1 and {HIGHEST_PORT}, inclusive"
            yield invalid(f"{where}.containerPort", port["containerPort"], within)


def _resources(asked: Object, path: str) -> Iterator[Refusal]:
    limits = asked.get("limits") or {}
    for name, request in (asked.get("requests") or {}).items():
        overcommitted = _can_be_overcommitted(name)
        if name not in limits:
            if not overcommitted:
                yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")
            continue
        wanted, most = _amount(request), _amount(limits[name])
        if wanted is None or most is None:
            continue
        if wanted != most and not overcommitted:
            yield invalid(f"{path}.requests", str(request), f"must be equal to {name} limit of {limits[name]}")
        elif wanted > most:
            message = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid(f"{path}.requests", str(request), message)


def _can_be_overcommitted(name: str) -> bool:
    """Whether pods may ask for less of a resource than they may take: what Kubernetes has itself, but huge pages."""
    domain, slash, _ = name.rpartition("/")
    return (not slash or domain.endswith("kubernetes.io")) and not name.startswith("hugepages-")


def _amount(text: Any) -> Fraction | None:
    """A quantity as a number; None where it has another form, which a schema tells."""
    found = _AMOUNT.fullmatch(str(text))
    unit = None if found is None else _SMALL.get(found[2], SUFFIXES.get(found[2]))
    return None if found is None or unit is None else Fraction(found[1]) * unit
