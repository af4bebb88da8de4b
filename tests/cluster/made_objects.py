"""Pods and Jobs as the API server would show them, made by hand."""

from orchestrator.cluster.objects import BatchJob, Pod, decode

INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"


def job(completions=4, *, suspend=False, conditions=(), **status):
    """A Job."""
    import msgspec

    value = {
        "metadata": {"name": "run", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"completions": completions, "parallelism": 2, "suspend": suspend, "completionMode": "Indexed"},
        "status": {"conditions": [{"status": "True", **each} for each in conditions], **status},
    }
    return decode(msgspec.json.encode(value), BatchJob)


def pod(index=0, uid="a", *, failures=0, phase="Running", code=None, message="", node="n0", conditions=(), **more):
    """A pod; with a code, its container has ended."""
    import msgspec

    state = {"running": {"startedAt": "2026-01-01T00:00:05Z"}} if phase == "Running" else {}
    if code is not None:
        ended = {"exitCode": code, "message": message, "finishedAt": "2026-01-01T00:01:00Z", **more.pop("ended", {})}
        state = {"terminated": ended}
    state = more.pop("state", state)
    meta = {
        "name": f"run-{index}-{uid}",
        "uid": uid,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": {INDEX: str(index), FAILURES: str(failures)},
        **more.pop("meta", {}),
    }
    status = {"phase": phase, "conditions": [{"status": "True", **each} for each in conditions]}
    if state:
        status["containerStatuses"] = [{"name": "ftorch", "state": state}]
    value = {"metadata": meta, "spec": {"nodeName": node}, "status": {**status, **more}}
    return decode(msgspec.json.encode(value), Pod)
