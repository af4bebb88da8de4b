"""The ConfigMap that brings a job file and small code to the pods."""

import hashlib

from orchestrator.cluster.manifests.names import metadata
from orchestrator.cluster.manifests.target import Manifest, Target

LARGEST = 900_000
"""Bytes of all files; the server's limit for the whole object is 1 MiB, etcd's for a request 1.5."""

FOLDER = "/ftorch/job"
JOB_FILE = "job.yaml"
FINGERPRINT = "ftorch.dev/code-sha256"


def fingerprint(target: Target) -> str:
    """SHA-256 over the files, names and lengths included."""
    digest = hashlib.sha256()
    for name in sorted(target.files):
        data = target.files[name].encode()
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def config_map_name(target: Target) -> str:
    """The run's id; of a job with a schedule a name that changes with the files, so that no run sees others' code."""
    return f"{target.run}-{fingerprint(target)[:8]}" if target.spec.schedule is not None else target.run


def config_map(target: Target) -> Manifest:
    """The ConfigMap with the target's files; immutable, as the code of a run never changes."""
    about = metadata(target, config_map_name(target))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**about, "annotations": {FINGERPRINT: fingerprint(target)}},
        "immutable": True,
        "data": {key_of(name): target.files[name] for name in sorted(target.files)},
    }


def volume(target: Target) -> Manifest:
    """The pod's volume of the ConfigMap; files in folders are put there again, as keys know no slash."""
    source: Manifest = {"name": config_map_name(target)}
    if any("/" in name for name in target.files):
        source["items"] = [{"key": key_of(name), "path": name} for name in sorted(target.files)]
    return {"name": "job", "configMap": source}


def key_of(name: str) -> str:
    """The ConfigMap's key of a file: its path with two dots for each slash."""
    return name.replace("/", "..")
