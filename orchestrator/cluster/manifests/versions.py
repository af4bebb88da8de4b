"""What each version of Kubernetes brought that the manifests use."""

from collections.abc import Iterator
from typing import NamedTuple

from orchestrator.cluster.manifests.target import OLDEST, Version
from orchestrator.errors import JobError
from orchestrator.spec.model import JobSpec


class Feature(NamedTuple):
    """A feature, the version in which it is stable or on by default, and what is lost without it."""

    name: str
    since: Version
    loss: str


ALWAYS = (
    Feature("Indexed Jobs", (1, 24), "there are no shards"),
    Feature("podFailurePolicy", (1, 31), "an evicted pod counts as a failed one, and a wrong job is tried again"),
    Feature("backoffLimitPerIndex", (1, 33), "one bad shard uses up every shard's retries"),
    Feature("podReplacementPolicy", (1, 29), "two pods may work on one shard at once"),
)
SPREAD = Feature("matchLabelKeys", (1, 33), "pods of two runs of a job keep each other away from nodes")
ZONE = Feature("CronJob.timeZone", (1, 27), "times are those of the controller's machine")


def missing(version: Version, spec: JobSpec) -> Iterator[Feature]:
    """Yield what this job uses and a server of that version lacks."""
    used = [*ALWAYS]
    if spec.kubernetes.spread != "none":
        used.append(SPREAD)
    if spec.schedule is not None:
        used.append(ZONE)
    yield from (feature for feature in used if version < feature.since)


def check_version(version: Version, spec: JobSpec) -> None:
    """Do nothing where the server is new enough.

    Raises:
        JobError: it is older than 1.33; the message names what is missing.
    """
    if version >= OLDEST:
        return
    shown = ".".join(map(str, version))
    lacks = "; ".join(f"{feature.name} (without it {feature.loss})" for feature in missing(version, spec))
    raise JobError(
        f"found Kubernetes {shown}, expected {'.'.join(map(str, OLDEST))} or newer: {shown} lacks {lacks or 'nothing'}",
        hint="Choose a newer cluster, or run the job on one machine: ftorch submit job.yaml",
    )
