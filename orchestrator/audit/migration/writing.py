"""Writes a first job.yaml and task.py for a script."""

from pathlib import Path

from orchestrator.audit.migration.jobfile import job_text
from orchestrator.audit.migration.report import Plan
from orchestrator.audit.migration.taskfile import task_text
from orchestrator.errors import JobError


def job_files(plan: Plan, folder: Path) -> dict[str, str]:
    """The files of the first job that a script's calls become: their names, below the folder, and their text.

    A call whose items can be told comes before those whose items cannot.

    Raises:
        JobError: none of the calls can be a job as it stands.
    """
    script = plan.script
    able = [(move, adapter) for move, adapter in plan.moves if not plan.open(move, adapter)]
    if not able:
        calls = [(move.call.line, plan.open(move, adapter)) for move, adapter in plan.moves]
        calls = calls or [(plan.calls.pools[0].call.lineno, "what the pool does cannot be told by reading")]
        line, why = calls[0]
        raise JobError(
            f"no job was written: {why}",
            where=f"{script.path}:{line}",
            hint="`ftorch init DIR` writes a job to start from.",
        )
    move, adapter = min(able, key=lambda pair: pair[0].items is None)
    files = {
        "job.yaml": job_text(move, adapter, script, folder),
        "task.py": task_text(move, adapter, script, plan.extract, folder),
    }
    if move.items is not None and move.items.lines:
        files["items.jsonl"] = "".join(f"{line}\n" for line in move.items.lines)
    return files


def write_job(files: dict[str, str], folder: Path) -> list[Path]:
    """Write the files of a job; all of them or none.

    Raises:
        JobError: one is there already, or cannot be written.
    """
    taken = [name for name in files if (folder / name).exists()]
    if taken:
        raise JobError(
            f"{' and '.join(taken)} would be overwritten",
            where=str(folder),
            hint="Name another folder, or remove them.",
        )
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            written.append(folder / name)
            with written[-1].open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        for path in written:
            if path.name not in taken and error.filename != str(path):
                path.unlink(missing_ok=True)
        raise JobError(f"it cannot be written: {error.strerror}", where=str(error.filename or folder)) from error
    return written
