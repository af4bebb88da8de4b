"""Put a job's objects on the cluster: asked beforehand, then the Job, then its ConfigMap, which the Job owns.

The Job is made first since only then is its uid known, which the ConfigMap's owner reference needs. Its pods wait for
the ConfigMap, which comes one request later, before any pod is scheduled and has its image. Should we die in
between, what is left is a Job that `ftorch runs` shows and `ftorch cancel` deletes; the other way round it would be a
ConfigMap that belongs to nobody.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from orchestrator.cluster.client.api import APPLY, Answer, Api
from orchestrator.cluster.client.places import place_of
from orchestrator.cluster.client.refusals import NoDryRun, pod_security
from orchestrator.cluster.objects import FIELD_MANAGER, Marked, decode
from orchestrator.errors import ClusterError, FtorchError, RunConflict

type Manifest = dict[str, Any]

OLDEST = (1, 33)
_FEATURES = {
    (1, 28): "Indexed Jobs whose pods are replaced only when they have failed (podReplacementPolicy)",
    (1, 29): "a back-off limit for each shard (backoffLimitPerIndex)",
    (1, 31): "exit codes that decide what becomes of a shard (podFailurePolicy)",
    (1, 33): "these three in their final form",
}
_CREATED = 201
_OWNERS = ("Job", "CronJob")


class Version(Struct, frozen=True):
    """Of the API server.

    Attributes:
        number: major and minor.
        text: as it says it: ``v1.36.0``.
    """

    number: tuple[int, int]
    text: str


class _Told(Struct, frozen=True, rename="camel"):
    major: str
    minor: str
    git_version: str = ""


def version_of(api: Api) -> Version:
    """The API server's version.

    Raises:
        ClusterError: it is older than ftorch can use, or cannot be reached.
    """
    told = decode(api.get("/version").body, _Told)
    number = (int(told.major), int("".join(c for c in told.minor if c.isdigit()) or 0))
    version = Version(number, told.git_version or f"v{told.major}.{told.minor}")
    if number < OLDEST:
        missing = "; ".join(feature for since, feature in _FEATURES.items() if number < since)
        raise ClusterError(
            f"the cluster is Kubernetes {version.text}, and 1.33 is the oldest that will do: it lacks {missing}",
            where=api.server,
            hint="Upgrade the cluster, or run the job on one node with `docker run`.",
        )
    return version


def try_out(api: Api, manifests: Iterable[Manifest]) -> list[str]:
    """Have the API server check everything and create nothing; what it warns of.

    Raises:
        ClusterRefused: it would not accept an object, or the namespace's pod security not its pods.
        ClusterError: no permission.
        RunConflict: there is a Job of that name.
    """
    told: list[str] = []
    for manifest in manifests:
        try:
            answer = _apply(api, manifest, {"dryRun": "All"})
        except NoDryRun as no:
            told.append(f"not checked beforehand, as {no.message}")
            continue
        if manifest["kind"] == "Job" and answer.status != _CREATED:
            name = manifest["metadata"]["name"]
            raise RunConflict(
                "there is a Job of that name already",
                where=name,
                hint=f"`ftorch status {name} --on kubernetes` shows it.",
            )
        insecure = pod_security(answer.warnings)
        if insecure is not None:
            raise insecure
        told += answer.warnings
    return told


def apply(api: Api, manifests: Sequence[Manifest]) -> str:
    """Create or update the objects, the Job or CronJob first, which is to own the others; its uid.

    Raises:
        ClusterRefused, ClusterError: the API server refuses; a Job that was made is deleted again.
    """
    owner = next(manifest for manifest in manifests if manifest["kind"] in _OWNERS)
    first = decode(_apply(api, owner).body, Marked).metadata
    try:
        for manifest in manifests:
            if manifest is not owner:
                _apply(api, _owned(manifest, owner, first.uid))
    except FtorchError, KeyboardInterrupt:
        if owner["kind"] == "Job":
            with suppress(FtorchError):
                api.delete(place_of(owner, api.namespace), {"propagationPolicy": "Background"})
        raise
    return first.uid


def _apply(api: Api, manifest: Manifest, more: dict[str, str] | None = None) -> Answer:
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **(more or {})}
    return api.patch(place_of(manifest, api.namespace), query, manifest, APPLY)


def _owned(manifest: Manifest, owner: Manifest, uid: str) -> Manifest:
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [reference]}}
