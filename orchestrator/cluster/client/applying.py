"""Put a job's objects on the cluster: asked beforehand, then the Job, then its ConfigMap, which the Job owns.

The Job is made first since only then is its uid known, which the ConfigMap's owner reference needs. Its pods wait for
the ConfigMap, which comes one request later, before any pod is scheduled and has its image. Should we die in
between, what is left is a Job that `ftorch runs` shows and `ftorch cancel` deletes; the other way round it would be a
ConfigMap that belongs to nobody.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec
from msgspec import Struct

from orchestrator.cluster.client.api import APPLY, Answer, Api
from orchestrator.cluster.client.places import place_of
from orchestrator.cluster.client.refusals import NoDryRun, Owned, pod_security
from orchestrator.cluster.client.retrying import again
from orchestrator.cluster.manifests.owner import owned_by
from orchestrator.cluster.manifests.target import Manifest, Version
from orchestrator.cluster.objects import FIELD_MANAGER, decode
from orchestrator.errors import ClusterError, FtorchError, RunConflict

_CREATED = 201
_OWNERS = ("Job", "CronJob")


class _Told(Struct, frozen=True):
    major: str
    minor: str


def version_of(api: Api) -> Version:
    """The API server's version; some vendors' minor is ``33+``.

    Raises:
        ClusterError: it cannot be reached, or is no API server.
    """
    try:
        told = decode(api.get("/version").body, _Told)
        return int(told.major), int(told.minor.rstrip("+"))
    except (msgspec.MsgspecError, ValueError) as error:
        raise ClusterError(f"what answers is no API server of Kubernetes: {error}", where=api.server) from None


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
    """Create or update the objects, the Job or CronJob first, which is to own the others; its name.

    Raises:
        ClusterRefused, ClusterError: the API server refuses; a Job that was made is deleted again.
    """
    owner = next(manifest for manifest in manifests if manifest["kind"] in _OWNERS)
    made: Manifest = msgspec.json.decode(_apply(api, owner).body)
    try:
        for manifest in manifests:
            if manifest is not owner:
                _apply(api, owned_by(manifest, owner | {"metadata": made["metadata"]}))
    except FtorchError, KeyboardInterrupt:
        if owner["kind"] == "Job":
            with suppress(FtorchError):
                api.delete(place_of(owner, api.namespace), {"propagationPolicy": "Background"})
        raise
    return str(made["metadata"]["name"])


def _apply(api: Api, manifest: Manifest, more: dict[str, str] | None = None) -> Answer:
    """Apply an object; what nobody but ftorch itself has set since (`ftorch suspend` of a schedule) is set anew."""
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **(more or {})}
    path = place_of(manifest, api.namespace)
    try:
        return again(lambda: api.patch(path, query, manifest, APPLY))
    except Owned as owned:
        if owned.managers != {FIELD_MANAGER}:
            raise
        return again(lambda: api.patch(path, {**query, "force": "true"}, manifest, APPLY))
