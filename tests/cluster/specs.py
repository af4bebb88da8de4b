"""Jobs for a cluster: a plain one, and any."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from orchestrator.cluster.manifests.target import NEWEST, OLDEST, Manifest, Target
from orchestrator.spec.load import load_job_text
from orchestrator.spec.model import JobSpec

IMAGE = "example.org/team/ftorch:1"
PLAIN: dict[str, Any] = {
    "name": "squares",
    "task": "./task.py:f",
    "input": {"range": {"stop": 10}},
    "kubernetes": {"image": IMAGE, "nodes": 2, "shards": 4, "cpu": 2, "memory": "1Gi", "volume": {"claim": "data"}},
}
FILES = {"job.yaml": "the job\n", "task.py": "def f(n):\n    return n\n"}


def spec_of(**sections: Any) -> JobSpec:
    """The plain job with some sections changed; a mapping is laid over the plain one, anything else takes its place."""
    job = dict(PLAIN)
    for key, value in sections.items():
        is_both = isinstance(value, dict) and isinstance(job.get(key), dict)
        job[key] = job[key] | value if is_both else value
    # JSON, which is YAML: PyYAML would leave bare what it takes for text, and YAML 1.2 for a number (0E0).
    return load_job_text(json.dumps({key: value for key, value in job.items() if value is not None}))


def target_of(spec: JobSpec, **fields: Any) -> Target:
    """A target for a job, with two files, under the run's usual kind of name."""
    run = spec.name if spec.schedule is not None else f"{spec.name}-20260101-020000-1a2b"
    return Target(**{"spec": spec, "run": run, "files": FILES} | fields)


def pod_of(manifest: Manifest) -> Manifest:
    """The pod's spec in a Job or a CronJob."""
    spec = manifest["spec"]["jobTemplate"]["spec"] if manifest["kind"] == "CronJob" else manifest["spec"]
    pod: Manifest = spec["template"]["spec"]
    return pod


VERSIONS = [f"1.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]


def check_schemas(manifest: Manifest) -> None:
    """Hold an object to the strict schemas of every version; skip the test where there are none for this Python."""
    validate = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate: make setup").validate
    for version in VERSIONS:
        validate(manifest, version, strict=True)


names = st.from_regex(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", fullmatch=True)
seconds = st.sampled_from(["10s", "90s", "1.5h", "2d", "12500ms"])
texts = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc")), max_size=12)
variables = st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True).filter(lambda name: name != "HOME")
keys = st.builds("{}.example.org/{}".format, names, names)


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


volumes = st.one_of(
    st.builds(lambda name: {"claim": name}, names),
    st.builds(lambda name, only: {"claim": name, "read_only": only, "sub_path": "a/b"}, names, st.booleans()),
    st.builds(lambda name: {"secret": name}, names),
    st.builds(lambda name: {"config_map": name}, names),
    st.just({"empty_dir": "2Gi"}),
)
tolerations = st.one_of(
    st.just({}),
    st.builds(lambda key: {"key": key, "effect": "NoSchedule"}, keys),
    st.builds(lambda key, value: {"key": key, "operator": "Equal", "value": value}, keys, names),
    st.builds(lambda key: {"key": key, "effect": "NoExecute", "seconds": 30}, keys),
)
patches = _optional(
    metadata=st.builds(lambda key, value: {"annotations": {key: value}}, keys, texts),
    spec=_optional(
        hostAliases=st.just([{"ip": "10.0.0.1", "hostnames": ["cache"]}]),
        containers=st.just([{"name": "ftorch", "env": [{"name": "MORE", "value": "1"}], "tty": True}]),
        dnsPolicy=st.just("Default"),
        affinity=st.none(),
    ),
)
kubernetes = st.fixed_dictionaries(
    {
        "image": st.sampled_from([IMAGE, "ftorch", "localhost:5000/a/b@sha256:" + "0" * 64]),
        "volume": st.builds(lambda name: {"claim": name, "path": "/data"}, names),
        "nodes": st.integers(1, 4),
        "cpu": st.sampled_from([1, 2, 16, 1.5, "2500m"]),
    },
    optional={
        "shards": st.integers(4, 10_000),
        "memory": st.sampled_from(["512Mi", "32Gi", 1_000_000_000]),
        "store": st.sampled_from(["s3://bucket/runs", "gs://b", "file:///data/x"]),
        "namespace": names,
        "pull_policy": st.sampled_from(["Always", "IfNotPresent", "Never"]),
        "pull_secrets": st.lists(names, max_size=2, unique=True),
        "queue": names,
        "priority_class": names,
        "node_selector": st.dictionaries(keys, names, max_size=2),
        "tolerations": st.lists(tolerations, max_size=2),
        "spread": st.sampled_from(["topology", "anti-affinity", "none"]),
        "service_account": names,
        "env": st.dictionaries(variables, texts, max_size=3),
        "env_from": st.lists(st.builds(lambda name: {"secret": name, "prefix": "A_"}, names), max_size=2),
        "volumes": st.lists(volumes, max_size=3).map(
            lambda each: [{**volume, "path": f"/mnt/{number}"} for number, volume in enumerate(each)]
        ),
        "user": st.sampled_from([1, 1000, 65532]),
        "ttl": st.one_of(st.none(), seconds),
        "backoff_limit_per_index": st.integers(0, 9),
        "max_failed_indexes": st.integers(0, 1),
        "backoff_limit": st.integers(0, 99),
        "suspend": st.booleans(),
        "metrics": st.integers(1024, 65535),
        "patch": patches,
    },
)
schedules = st.fixed_dictionaries(
    {"cron": st.sampled_from(["0 2 * * *", "*/15 * * * mon-fri"])},
    optional={
        "time_zone": st.sampled_from(["Etc/UTC", "Europe/Berlin"]),
        "concurrency": st.sampled_from(["Allow", "Forbid", "Replace"]),
        "starting_deadline": seconds,
        "successful_jobs_history_limit": st.integers(0, 9),
        "failed_jobs_history_limit": st.integers(0, 9),
        "suspend": st.booleans(),
    },
)
jobs = st.fixed_dictionaries(
    {"name": names, "kubernetes": kubernetes},
    optional={
        "with": st.dictionaries(names, st.one_of(texts, st.integers(-(2**53), 2**53), st.booleans()), max_size=2),
        "output": st.just({"path": "/data/out.jsonl", "overwrite": True}),
        "timeout": _optional(job=seconds, grace=seconds, item=seconds),
        "schedule": schedules,
        "failures": st.just({"max_failed": "1%"}),
    },
)
