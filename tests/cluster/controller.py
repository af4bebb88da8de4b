"""A test double of the Job controller, scheduler and kubelet, driven by what is stored in the API double.

It does what the real one of 1.36 did in the recorded streams: at most `parallelism` pods, one an index; a failed index
again after its back-off (of a clock of its own, which jumps); FailJob, FailIndex and Ignore by podFailurePolicy;
``completedIndexes`` as ranges; suspended Jobs lose their pods; `SuccessCriteriaMet` before `Complete`.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass

from tests.cluster.double import STAMP

FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
JOB_NAME = "batch.kubernetes.io/job-name"
INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass(frozen=True)
class End:
    """How a pod ends."""

    code: int = 0
    message: str = ""
    evicted: bool = False
    deleted: bool = False


class Controller:
    """Runs Jobs: `play(index, attempt)` says how a pod ends, or None to leave it running."""

    def __init__(self, server, play, nodes=3):
        self.server, self.play, self.nodes = server, play, nodes
        self.made = self.seconds = 0
        self._take(None)
        self._stop = threading.Event()

    def _take(self, job):
        """Begin with a Job, of which nothing has been done."""
        self.tries, self.failures, self.ignored = defaultdict(int), defaultdict(int), defaultdict(int)
        self.done, self.broken = set(), set()
        self.job = job

    def start(self):
        """Begin to look for Jobs, in a thread."""
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        """End the thread."""
        self._stop.set()
        self.thread.join(30)

    def _run(self):
        while not self._stop.is_set():
            if not self.step():
                self._stop.wait(0.005)

    def step(self):
        """Do the next thing there is to do; whether there was any."""
        with self.server.state:
            jobs = [job for job in self.server.find("jobs") if not is_over(job)]
            if not jobs:
                return False
            if self.job is None or self.job["metadata"]["uid"] != jobs[0]["metadata"]["uid"]:
                self._take(jobs[0])
            self.job = jobs[0]
            return self._suspend() if self.job["spec"].get("suspend") else self._advance()

    def _suspend(self):
        pods = self._active()
        told = any(c["type"] == "Suspended" for c in self.job["status"].get("conditions", []))
        for pod in pods:
            self._delete(pod)
        if not told:
            self._status(conditions=[{"type": "Suspended", "status": "True"}])
        return bool(pods) or not told

    def _delete(self, pod):
        """A pod is asked to stop, does, and is gone."""
        gone = {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": STAMP}}
        self.server.put("pods", gone)
        self.server.put("pods", self._terminated(gone, End(75)), "DELETED")

    def _advance(self):
        spec = self.job["spec"]
        for pod in self._active():
            if self._move(pod):
                return True
        if self._over():
            return True
        waiting = [i for i in range(spec.get("completions", 1)) if i not in self.done | self.broken]
        at_work = {self._index(pod) for pod in self._active()}
        free = [index for index in waiting if index not in at_work]
        if free and len(at_work) < spec.get("parallelism", 1):
            self._create(free[0])
            return True
        return False

    def _move(self, pod):
        index, phase = self._index(pod), pod["status"]["phase"]
        if phase == "Pending" and not pod["spec"].get("nodeName"):
            placed = {**pod["spec"], "nodeName": f"fake-{self.made % self.nodes}"}
            told = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": self._now()}]
            self.server.put("pods", {**pod, "spec": placed, "status": {**pod["status"], "conditions": told}})
        elif phase == "Pending":
            running = [{"name": "ftorch", "state": {"running": {"startedAt": self._now()}}}]
            status = {**pod["status"], "phase": "Running", "containerStatuses": running}
            self.server.put("pods", {**pod, "status": status})
        else:
            end = self.play(index, self.tries[index] - 1)
            if end is None:
                return False
            self._end(pod, index, end)
        return True

    def _end(self, pod, index, end):
        if end.deleted:
            self.server.put("pods", pod, "DELETED")
            return
        self.server.put("pods", self._terminated(pod, end))
        if end.code == 0 and not end.evicted:
            self.done.add(index)
            self._status()
            return
        action = self._action(end)
        if action == "FailJob":
            name = pod["metadata"]["name"]
            message = f"Container ftorch for pod work/{name} failed with exit code {end.code} matching FailJob rule"
            self._finish("Failed", "PodFailurePolicy", message)
        elif action == "Ignore":
            self.ignored[index] += 1
        else:
            self.failures[index] += 1
            if action == "FailIndex" or self.failures[index] > self.job["spec"].get("backoffLimitPerIndex", 1 << 30):
                self.broken.add(index)
            self._status()

    def _action(self, end):
        for rule in self.job["spec"].get("podFailurePolicy", {}).get("rules", []):
            codes = rule.get("onExitCodes")
            if codes and (end.code in codes["values"]) == (codes["operator"] == "In") and not end.evicted:
                return rule["action"]
            if rule.get("onPodConditions") and end.evicted:
                return rule["action"]
        return "Count"

    def _over(self):
        spec = self.job["spec"]
        if "activeDeadlineSeconds" in spec:
            self.seconds += 1
            if self.seconds > spec["activeDeadlineSeconds"]:
                return self._finish("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
        if len(self.broken) > spec.get("maxFailedIndexes", 1 << 30):
            message = "Job has exceeded the specified maximal number of failed indexes"
            return self._finish("Failed", "MaxFailedIndexesExceeded", message)
        if len(self.done | self.broken) < spec.get("completions", 1):
            return False
        if self.broken:
            return self._finish("Failed", "FailedIndexes", "Job has failed indexes")
        return self._finish("Complete", "CompletionsReached", "Reached expected number of succeeded pods")

    def _finish(self, kind, reason, message):
        for pod in self._active():
            self._delete(pod)
        before = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
        conditions = [{"type": each, "status": "True", "reason": reason, "message": message} for each in (before, kind)]
        self._status(conditions=conditions[:1])
        self._status(conditions=conditions)
        return True

    def _status(self, **more):
        status = {
            **self.job["status"],
            "startTime": STAMP,
            "active": len(self._active()),
            "succeeded": len(self.done),
            "failed": sum(self.failures.values()),
            "completedIndexes": ranges(self.done),
            "failedIndexes": ranges(self.broken),
            **more,
        }
        self.job = {**self.job, "status": status}
        self.server.put("jobs", self.job)

    def _create(self, index):
        self.made += 1
        self.tries[index] += 1
        name = self.job["metadata"]["name"]
        notes = {INDEX: str(index), FAILURES: str(self.failures[index]), IGNORED: str(self.ignored[index])}
        meta = {
            "name": f"{name}-{index}-{self.made:05}",
            "uid": f"pod-{self.made}",
            "creationTimestamp": self._now(),
            "labels": {JOB_NAME: name},
            "annotations": notes,
        }
        containers = self.job["spec"].get("template", {}).get("spec", {}).get("containers", [])
        asked = [{"name": each["name"], "resources": each.get("resources", {})} for each in containers]
        pod = {"metadata": meta, "spec": {"containers": asked}, "status": {"phase": "Pending"}}
        self.server.put("pods", pod, "ADDED")
        self._status()

    def _terminated(self, pod, end):
        began = [each["state"].get("running", {}) for each in pod["status"].get("containerStatuses", [])]
        state = {"exitCode": end.code, "message": end.message, "finishedAt": self._now()}
        state["startedAt"] = next((each["startedAt"] for each in began if each), STAMP)
        phase = "Failed" if end.code or end.evicted else "Succeeded"
        conditions = [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
        status = {
            "phase": phase,
            "conditions": pod["status"].get("conditions", []) + (conditions if end.evicted else []),
            "containerStatuses": [{"name": "ftorch", "state": {"terminated": state}}],
        }
        return {**pod, "status": status}

    def _now(self):
        """A moment, each a second after the one before."""
        self.seconds += 1
        return f"2026-01-01T{self.seconds // 3600:02}:{self.seconds // 60 % 60:02}:{self.seconds % 60:02}Z"

    def _active(self):
        name = self.job["metadata"]["name"]
        mine = [pod for pod in self.server.find("pods") if pod["metadata"]["labels"][JOB_NAME] == name]
        return [pod for pod in mine if pod["status"]["phase"] in {"Pending", "Running"}]

    @staticmethod
    def _index(pod):
        return int(pod["metadata"]["annotations"][INDEX])


def is_over(job):
    """Whether a Job has ended."""
    return any(each["type"] in {"Complete", "Failed"} for each in job["status"].get("conditions", []))


def ranges(indexes):
    """As Kubernetes writes them."""
    parts = []
    for index in sorted(indexes):
        if parts and parts[-1][1] == index - 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def tick(server, name, minute):
    """Have a CronJob make a Job, as its controller does once its time has come; the Job's name."""
    cron = next(each for each in server.find("cronjobs") if each["metadata"]["name"] == name)
    template, made = cron["spec"]["jobTemplate"], f"{name}-{minute}"
    owner = {"kind": "CronJob", "name": name, "uid": cron["metadata"]["uid"], "controller": True}
    meta = {**template["metadata"], "name": made, "uid": f"uid-{made}", "namespace": "work", "ownerReferences": [owner]}
    meta["creationTimestamp"] = f"2026-01-01T02:{minute % 60:02}:00Z"
    server.put("jobs", {"metadata": meta, "spec": template["spec"], "status": {}}, "ADDED")
    last = {"lastScheduleTime": meta["creationTimestamp"], "active": []}
    server.put("cronjobs", {**cron, "status": last})
    return made
