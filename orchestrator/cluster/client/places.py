"""Where objects are on the API server; pure."""

from typing import Any

_GROUPS = {
    "ConfigMap": ("api/v1", "configmaps"),
    "Job": ("apis/batch/v1", "jobs"),
    "CronJob": ("apis/batch/v1", "cronjobs"),
    "Pod": ("api/v1", "pods"),
    "Event": ("api/v1", "events"),
}


def all_of(kind: str, namespace: str) -> str:
    """The path of a kind's objects in a namespace."""
    group, plural = _GROUPS[kind]
    return f"/{group}/namespaces/{namespace}/{plural}"


def path_of(kind: str, namespace: str, name: str) -> str:
    """The path of one object."""
    return f"{all_of(kind, namespace)}/{name}"


def place_of(manifest: dict[str, Any], namespace: str) -> str:
    """The path of a manifest's object; its own namespace goes first."""
    meta = manifest["metadata"]
    return path_of(manifest["kind"], meta.get("namespace", namespace), meta["name"])
