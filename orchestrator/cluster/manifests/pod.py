"""The pod template: one container, Guaranteed QoS, restricted pod security, no access to the API."""

import math
from typing import Any

from orchestrator.cluster.manifests import files
from orchestrator.cluster.manifests.names import JOB_LABEL, JOB_NAME_LABEL, labels
from orchestrator.cluster.manifests.target import Manifest, Target
from orchestrator.spec.model import JobSpec
from orchestrator.spec.model_cluster import EnvSource, Kubernetes, Mount, Toleration
from orchestrator.spec.units import Size

CONTAINER = "ftorch"
STORE_LOST = "/tmp/runs"
MEMORY_A_CPU = 2 << 30
GRACE_MARGIN = 15
"""Seconds for the last commit after `timeout.grace`, before the kubelet kills."""

METRICS = "metrics"
"""The name of the port that `kubernetes.metrics` opens, by which a PodMonitor finds it."""

HOSTNAME = "kubernetes.io/hostname"


def pod_template(target: Target) -> Manifest:
    """The template without the user's patch."""
    return {"metadata": {"labels": labels(target)}, "spec": _pod(target)}


def memory_of(spec: JobSpec) -> Size:
    """The pods' memory: the cluster's, else the job's, else 2 GiB a CPU."""
    return spec.kubernetes.memory or spec.resources.memory or Size(MEMORY_A_CPU * -(-spec.kubernetes.cpu.milli // 1000))


def store_of(wanted: Kubernetes) -> str:
    """Where the pods keep runs; without a store or a volume in the pod itself, where they are lost with it."""
    if wanted.store is not None:
        return wanted.store.rstrip("/")
    return f"{wanted.volume.path.rstrip('/')}/runs" if wanted.volume is not None else STORE_LOST


def _pod(target: Target) -> Manifest:
    spec, wanted = target.spec, target.spec.kubernetes
    pod: Manifest = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": math.ceil(spec.timeout.grace.seconds) + GRACE_MARGIN,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": _pod_security(wanted),
        "containers": [_container(target)],
        "volumes": _volumes(target),
    }
    optional: dict[str, Any] = {
        "serviceAccountName": wanted.service_account,
        "priorityClassName": wanted.priority_class,
        "nodeSelector": wanted.node_selector,
        "tolerations": [_toleration(each) for each in wanted.tolerations],
        "imagePullSecrets": [{"name": name} for name in wanted.pull_secrets],
        **_spread(target),
    }
    return pod | {key: value for key, value in optional.items() if value}


def _pod_security(wanted: Kubernetes) -> Manifest:
    return {
        "runAsNonRoot": True,
        "runAsUser": wanted.user,
        "runAsGroup": wanted.user,
        "fsGroup": wanted.user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _container(target: Target) -> Manifest:
    spec, wanted = target.spec, target.spec.kubernetes
    amounts = {"cpu": str(wanted.cpu), "memory": str(memory_of(spec))}
    job_file = wanted.job_file or f"{files.FOLDER}/{files.JOB_FILE}"
    container: Manifest = {
        "name": CONTAINER,
        "image": wanted.image,
        "imagePullPolicy": wanted.pull_policy,
        "args": ["submit", job_file, "--run", "$(FTORCH_STORE)/$(FTORCH_RUN)", "--shard", "auto", *_metrics(wanted)],
        "env": _environment(wanted),
        "resources": {"requests": amounts, "limits": dict(amounts)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": _mounts(target),
    }
    sources = [_env_source(source) for source in wanted.env_from]
    ports = [{"name": METRICS, "containerPort": wanted.metrics}] if wanted.metrics is not None else []
    return container | ({"envFrom": sources} if sources else {}) | ({"ports": ports} if ports else {})


def _metrics(wanted: Kubernetes) -> list[str]:
    return [] if wanted.metrics is None else ["--metrics", f":{wanted.metrics}"]


def _environment(wanted: Kubernetes) -> list[Manifest]:
    return [
        {"name": "FTORCH_STORE", "value": store_of(wanted)},
        _from_pod("FTORCH_RUN", f"metadata.labels['{JOB_NAME_LABEL}']"),
        _from_pod("FTORCH_POD", "metadata.name"),
        _from_pod("FTORCH_NODE", "spec.nodeName"),
        {"name": "HOME", "value": "/tmp"},
        *({"name": name, "value": wanted.env[name]} for name in sorted(wanted.env)),
    ]


def _from_pod(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _env_source(source: EnvSource) -> Manifest:
    prefix = {"prefix": source.prefix} if source.prefix else {}
    kind = "secretRef" if source.secret is not None else "configMapRef"
    return {**prefix, kind: {"name": source.secret or source.config_map}}


def _volumes(target: Target) -> list[Manifest]:
    wanted = target.spec.kubernetes
    volumes: list[Manifest] = [{"name": "tmp", "emptyDir": {}}]
    if target.files:
        volumes.append(files.volume(target))
    if wanted.volume is not None:
        volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": wanted.volume.claim}})
    return volumes + [{"name": f"volume-{number}", **_source(mount)} for number, mount in enumerate(wanted.volumes)]


def _source(mount: Mount) -> Manifest:
    if mount.claim is not None:
        return {"persistentVolumeClaim": {"claimName": mount.claim}}
    if mount.secret is not None:
        return {"secret": {"secretName": mount.secret}}
    if mount.config_map is not None:
        return {"configMap": {"name": mount.config_map}}
    return {"emptyDir": {"sizeLimit": str(mount.empty_dir)}}


def _mounts(target: Target) -> list[Manifest]:
    wanted = target.spec.kubernetes
    mounts: list[Manifest] = [{"name": "tmp", "mountPath": "/tmp"}]
    if target.files:
        mounts.append({"name": "job", "mountPath": files.FOLDER, "readOnly": True})
    if wanted.volume is not None:
        mounts.append({"name": "data", "mountPath": wanted.volume.path})
    return mounts + [_mount(number, mount) for number, mount in enumerate(wanted.volumes)]


def _mount(number: int, mount: Mount) -> Manifest:
    made: Manifest = {"name": f"volume-{number}", "mountPath": mount.path}
    if mount.read_only or mount.secret is not None or mount.config_map is not None:
        made["readOnly"] = True
    return made | ({"subPath": mount.sub_path} if mount.sub_path else {})


def _toleration(toleration: Toleration) -> Manifest:
    fields = {
        "key": toleration.key,
        "operator": toleration.operator,
        "value": toleration.value,
        "effect": toleration.effect,
        "tolerationSeconds": toleration.seconds,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _spread(target: Target) -> Manifest:
    """One pod a node, counted for each run alone: `matchLabelKeys` tells a CronJob's runs apart."""
    mine = {
        "labelSelector": {"matchLabels": {JOB_LABEL: target.spec.name}},
        "topologyKey": HOSTNAME,
        "matchLabelKeys": [JOB_NAME_LABEL],
    }
    match target.spec.kubernetes.spread:
        case "topology":
            evenly = {"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "nodeTaintsPolicy": "Honor"}
            return {"topologySpreadConstraints": [{**mine, **evenly}]}
        case "anti-affinity":
            return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [mine]}}}
        case "none":
            return {}
