"""The Indexed Job of one run, and the CronJob that makes one a tick."""

import math

from orchestrator.cluster.manifests.failures import pod_failure_policy
from orchestrator.cluster.manifests.names import QUEUE_LABEL, labels, metadata
from orchestrator.cluster.manifests.patch import strategic_merge
from orchestrator.cluster.manifests.pod import CONTAINER, pod_template
from orchestrator.cluster.manifests.target import Manifest, Target
from orchestrator.spec.model import Schedule
from orchestrator.spec.rules_kubernetes import shards_of


def job(target: Target) -> Manifest:
    """The Job of one run."""
    about = metadata(target, target.run)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**about, "labels": _with_queue(target)},
        "spec": job_spec(target),
    }


def cron_job(target: Target, schedule: Schedule) -> Manifest:
    """The CronJob: it makes a Job a tick, each a new run named by its Job."""
    spec: Manifest = {
        "schedule": schedule.cron,
        "timeZone": schedule.time_zone,
        "concurrencyPolicy": schedule.concurrency,
        "successfulJobsHistoryLimit": schedule.successful_jobs_history_limit,
        "failedJobsHistoryLimit": schedule.failed_jobs_history_limit,
        "suspend": schedule.suspend,
        "jobTemplate": {"metadata": {"labels": _with_queue(target)}, "spec": job_spec(target)},
    }
    if schedule.starting_deadline is not None:
        spec["startingDeadlineSeconds"] = math.ceil(schedule.starting_deadline.seconds)
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(target, target.run),
        "spec": spec,
    }


def job_spec(target: Target) -> Manifest:
    """What a Job does: `shards` completions, `nodes` pods at a time."""
    spec, wanted = target.spec, target.spec.kubernetes
    optional = {
        "maxFailedIndexes": wanted.max_failed_indexes,
        "backoffLimit": wanted.backoff_limit,
        "activeDeadlineSeconds": math.ceil(spec.timeout.job.seconds) if spec.timeout.job is not None else None,
        "ttlSecondsAfterFinished": math.ceil(wanted.ttl.seconds) if wanted.ttl is not None else None,
    }
    return {
        "completionMode": "Indexed",
        "completions": shards_of(wanted),
        "parallelism": wanted.nodes,
        "backoffLimitPerIndex": wanted.backoff_limit_per_index,
        **{key: value for key, value in optional.items() if value is not None},
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": pod_failure_policy(spec, CONTAINER),
        "suspend": wanted.suspend or wanted.queue is not None,
        "template": strategic_merge(pod_template(target), wanted.patch),
    }


def _with_queue(target: Target) -> dict[str, str]:
    queue = target.spec.kubernetes.queue
    return labels(target) | ({QUEUE_LABEL: queue} if queue is not None else {})
