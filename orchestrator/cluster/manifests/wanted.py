"""What a job must say before it can go to a cluster; a job for one machine need not."""

import posixpath
from collections.abc import Iterator

from orchestrator.cluster.manifests.files import JOB_FILE, LARGEST, key_of
from orchestrator.cluster.manifests.names import longest_run_id
from orchestrator.cluster.manifests.pod import memory_of
from orchestrator.cluster.manifests.target import Target
from orchestrator.errors import JobError
from orchestrator.spec.model import JobSpec
from orchestrator.spec.nodes import FieldPath, dotted, shown
from orchestrator.spec.problems import Problem
from orchestrator.spec.rules import rule_problems
from orchestrator.spec.rules_kubernetes import shards_of


def check_wanted(target: Target) -> None:
    """Do nothing where the job can go to a cluster.

    Raises:
        JobError: it lacks something; the message says which field, and all of them where there are several.
    """
    problems = [*rule_problems(target.spec), *cluster_problems(target)]
    if not problems:
        return
    lines = [f"{dotted(problem.path)}: {problem.message}" for problem in problems]
    if len(lines) == 1:
        raise JobError(problems[0].message, where=dotted(problems[0].path), hint=problems[0].hint)
    hints = [f"\n    {problem.hint}" if problem.hint else "" for problem in problems]
    told = [f"  {line}{hint}" for line, hint in zip(lines, hints, strict=True)]
    raise JobError("\n".join([f"{len(lines)} problems", *told]), where=target.spec.name)


def cluster_problems(target: Target) -> Iterator[Problem]:
    """Yield what keeps a valid job from running on a cluster."""
    wanted = target.spec.kubernetes
    if wanted.image is None:
        hint = "Write kubernetes.image; `ftorch image job.yaml` writes a Dockerfile for one."
        yield Problem(("kubernetes", "image"), "found nothing, expected the image that the pods run", hint)
    if wanted.store is None and wanted.volume is None and shards_of(wanted) > 1:
        yield Problem(
            ("kubernetes", "store"),
            f"found neither a store nor a volume, expected one that all {shards_of(wanted)} shards can reach",
            "Write kubernetes.store: s3://bucket/runs, or kubernetes.volume: {claim: NAME}.",
        )
    yield from _files(target)
    yield from _paths(target)
    longest = longest_run_id(target.spec)
    if len(target.run) > longest:
        message = f"found the run {target.run} of {len(target.run)} characters, expected at most {longest}"
        yield Problem(("name",), message, "A pod's name is the run's and the shard's number, at most 63 in all.")


def _files(target: Target) -> Iterator[Problem]:
    wanted = target.spec.kubernetes
    if wanted.job_file is not None:
        return
    if JOB_FILE not in target.files:
        hint = "Or name the job file in the image: kubernetes.job_file: /app/job.yaml"
        yield Problem(("kubernetes", "job_file"), f"found no {JOB_FILE} among the files, expected one", hint)
    size = sum(len(name.encode()) + len(text.encode()) for name, text in target.files.items())
    if size > LARGEST:
        yield Problem(
            ("kubernetes", "files"),
            f"found {size:,} bytes of job file and code, expected at most {LARGEST:,}: the limit for a ConfigMap",
            "Put the code into the image and name it there (kubernetes.job_file), or choose fewer files.",
        )
    keys: dict[str, str] = {}
    for name in target.files:
        other = keys.setdefault(key_of(name), name)
        if other != name:
            yield Problem(("kubernetes", "files"), f"found {other} and {name}, which a ConfigMap cannot tell apart")


def _paths(target: Target) -> Iterator[Problem]:
    """Relative paths start from the job file's folder, which in the pods holds the ConfigMap and cannot be written."""
    output = target.spec.output.path
    folder = target.spec.kubernetes.volume.path if target.spec.kubernetes.volume is not None else "/data"
    if output is not None and not _is_absolute(output):
        yield Problem(
            ("output", "path"),
            f'found "{shown(output)}", expected an absolute path or a URL: pods cannot write beside the job file',
            f"Write {_below(folder, output)}, on a volume; without a path, results stay in the run.",
        )
    if not target.files:
        return
    for path, value in _input_paths(target.spec):
        if not _is_absolute(value) and posixpath.normpath(value) not in target.files:
            yield Problem(
                path,
                f'found "{shown(value)}", expected an absolute path: beside the job file the pods see only its code',
                f"Write {_below(folder, value)}, on a volume.",
            )


def _input_paths(spec: JobSpec) -> Iterator[tuple[FieldPath, str]]:
    source = spec.input
    if source.files is not None:
        yield ("input", "files", "root"), source.files.root
    for kind in ("lines", "jsonl", "csv"):
        reader = getattr(source, kind)
        if reader is not None:
            paths = [reader.path] if isinstance(reader.path, str) else reader.path
            yield from ((("input", kind, "path"), path) for path in paths)


def _below(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or "://" in path


def advice(spec: JobSpec) -> Iterator[str]:
    """Yield what is allowed but seldom meant: each one line, with what to do."""
    wanted = spec.kubernetes
    if not wanted.cpu.whole:
        floor = wanted.cpu.milli // 1000
        yield (
            f"kubernetes.cpu: {wanted.cpu} is not whole, so that the pods get no CPUs of their own, "
            f"and threads are rounded ({spec.resources.rounding}); take {floor} or {floor + 1}"
        )
    if wanted.memory is None and spec.resources.memory is None:
        yield f"kubernetes.memory: not given, {memory_of(spec)} is taken; a pod that needs more is killed"
    if wanted.store is None and wanted.volume is None:
        yield "kubernetes.store: not given; the run lives in its pod, and its results are lost with it"
    if wanted.volume is not None and wanted.volume.access is None and wanted.nodes > 1:
        claim = wanted.volume.claim
        yield f"kubernetes.volume: {wanted.nodes} nodes mount the claim {claim}, which must be ReadWriteMany"
