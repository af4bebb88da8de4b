"""A run's folder: its manifest, its name, and where runs are kept."""

import os
import time
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from orchestrator.errors import RunConflict, RunDamaged, RunNotFound
from orchestrator.run.records import FORMAT
from orchestrator.spec.load import dump_job, parse_job
from orchestrator.spec.model import JobSpec, Remote
from orchestrator.store.base import NotFound, Store
from orchestrator.store.local import LocalStore
from orchestrator.store.open import open_store, stores_below

MANIFEST = "job.json"
REPORT = "report.json"
FAILURES = "failures.jsonl"
FOLD_RESULT = "fold.json"
RUNS_FOLDER = ".ftorch/runs"


class Manifest(Struct, frozen=True):
    """What a run was started with; written first, never changed.

    Attributes:
        id: the run's name.
        job: the normalised job file.
        base: the folder that the job file's relative paths start from.
        job_file: the job file's path.
        task_fingerprint: SHA-256 of the file that defines the task.
        output_format: the format that `format: auto` stood for.
        limit: at most so many items (`--limit`).
        created: seconds since 1970.
        versions: of ftorch and Python.
        format: the version of the run folder's format.
    """

    id: str
    job: msgspec.Raw
    base: str
    job_file: str
    task_fingerprint: str
    output_format: str
    limit: int | None
    created: float
    versions: dict[str, str]
    format: int = FORMAT

    @property
    def spec(self) -> JobSpec:
        """The job."""
        return parse_job(bytes(self.job))


def new_run_id(name: str) -> str:
    """A name for a run: the job's name, the time (UTC) and four hexadecimal digits."""
    return f"{name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(2).hex()}"


def raw_job(spec: JobSpec) -> msgspec.Raw:
    """A job as a manifest keeps it."""
    return msgspec.Raw(dump_job(spec))


def create_run(store: Store, manifest: Manifest) -> None:
    """Begin a run in a store.

    Raises:
        RunConflict: there is a run in it already.
    """
    if not store.create(MANIFEST, [msgspec.json.encode(manifest)]):
        raise RunConflict(
            "there is a run in this folder already",
            where=store.url,
            hint="Go on with it by --resume, or name another.",
        )


def read_manifest(store: Store) -> Manifest:
    """The manifest of the run in a store.

    Raises:
        RunNotFound: there is no run in it.
        RunDamaged: the manifest cannot be read, or was written by a newer ftorch.
    """
    try:
        data = store.get(MANIFEST)
    except NotFound:
        raise RunNotFound(
            "there is no run in this folder (it has no job.json)",
            where=store.url,
            hint="`ftorch runs` lists the runs.",
        ) from None
    where = f"{store.url}/{MANIFEST}"
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise RunDamaged(
            f"the run's manifest cannot be read: {error}",
            where=where,
            hint="Restore the file from a copy, or start a new run; nothing was changed.",
        ) from error
    if manifest.format != FORMAT:
        raise RunDamaged(
            f"the run has format {manifest.format}, and this ftorch reads format {FORMAT}",
            where=where,
            hint="Go on with the version of ftorch that began the run.",
        )
    return manifest


def runs_folder(base: Path) -> Path:
    """Where the runs of the jobs in a folder are kept, unless --run says otherwise."""
    return base / RUNS_FOLDER


def list_runs(base: Path) -> list[tuple[LocalStore, Manifest]]:
    """The runs below a folder of jobs, the oldest first; folders that are no runs are passed over."""
    folder = runs_folder(base)
    found: list[tuple[LocalStore, Manifest]] = []
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    # What begins with a dot is on its way out.
    for name in (name for name in names if not name.startswith(".")):
        store = LocalStore(folder / name)
        try:
            found.append((store, read_manifest(store)))
        except RunNotFound, RunDamaged:
            continue
    return sorted(found, key=lambda run: run[1].created)


def list_runs_below(url: str) -> list[tuple[Store, Manifest]]:
    """The runs just below a URL, the oldest first; what is no run is passed over.

    Raises:
        RunError, StoreUnavailable: nothing can be listed there.
    """
    found: list[tuple[Store, Manifest]] = []
    for store in stores_below(url):
        with suppress(RunNotFound, RunDamaged):
            found.append((store, read_manifest(store)))
    return sorted(found, key=lambda run: run[1].created)


def is_there(run: Path | str, remote: Remote) -> bool:
    """Whether there is a run at a path or URL, whole or not; a bucket is reached as `remote` says."""
    if isinstance(run, Path):
        return (run / MANIFEST).exists()
    try:
        open_store(run, remote).get(MANIFEST, 0, 1)
    except NotFound:
        return False
    return True


def is_finished(store: Store) -> bool:
    """Whether the run's report was written, the last thing a run does."""
    try:
        store.get(REPORT, 0, 1)
    except NotFound:
        return False
    return True
