"""The `ftorch` command as a user runs it: a process in a folder that holds job.yaml and task.py."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-P", "-m", "orchestrator"]
SQUARE = "def f(n):\n    return n * n\n"
# The tests' own surroundings must not decide what a job does.
NOT_OURS = ("FTORCH_THREADS", "PYTHON_GIL", "_FTORCH_COMPLETE", "COLUMNS")


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, as data."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log lines on standard error."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    def expect(self, code: int, *texts: str) -> Done:
        """Check the exit code, what standard error says, and that no traceback is in it; gives itself."""
        assert self.code == code, f"exit {self.code}\n{self.out}\n{self.err}"
        for text in texts:
            assert text in self.err, f"{text!r} is not in:\n{self.err}"
        assert "Traceback" not in self.err, self.err
        return self


class Place:
    """A folder for a job."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file, its folders too."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def job(self, source: str = SQUARE, **fields: Any) -> Place:
        """Write task.py and job.yaml: by default the squares of 0 to 9 into out.jsonl; None leaves a field out."""
        self.write("task.py", source)
        default = {"task": "./task.py:f", "input": {"range": {"stop": 10}}, "output": {"path": "out.jsonl"}}
        job = {key: value for key, value in (default | fields).items() if value is not None}
        self.write("job.yaml", json.dumps(job, indent=1))
        return self

    def popen(self, *arguments: str | Path, prefix: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
        """Start the command in this folder; `env` adds to the environment, `prefix` goes before the command line."""
        options["env"] = environment(options.pop("env", {}))
        options.setdefault("cwd", self.path)
        for stream in ("stdout", "stderr"):
            options.setdefault(stream, subprocess.PIPE)
        return subprocess.Popen([*prefix, *COMMAND, *map(str, arguments)], text=True, **options)

    def ftorch(self, *arguments: str | Path, **options: Any) -> Done:
        """Run the command to its end; options as `popen` takes them."""
        return finish(self.popen(*arguments, **options))

    def submit(self, *options: str | Path, code: int = 0, **more: Any) -> Any:
        """Submit job.yaml, expect an exit code, and give the report as data."""
        return self.ftorch("submit", "job.yaml", "--json", *options, **more).expect(code).json()

    def records(self, name: str = "out.jsonl") -> list[Any]:
        """The records of a JSON Lines output."""
        return [json.loads(line) for line in (self.path / name).read_bytes().splitlines()]

    def results(self, name: str = "out.jsonl") -> list[Any]:
        """The results of a JSON Lines output, without their keys."""
        return [record["result"] for record in self.records(name)]

    def listing(self) -> dict[str, tuple[int, int, int]]:
        """Everything below the folder: mode, size and time of change, by name."""
        found = {}
        for base, folders, files in os.walk(self.path):
            for name in (*folders, *files):
                path = os.path.join(base, name)
                facts = os.lstat(path)
                size = 0 if name in folders else facts.st_size
                found[os.path.relpath(path, self.path)] = (facts.st_mode, size, facts.st_mtime_ns)
        return found

    def runs(self) -> list[Path]:
        """The folders of the job's runs."""
        folder = self.path / ".ftorch" / "runs"
        return sorted(folder.iterdir()) if folder.is_dir() else []


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment for the command."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def finish(process: subprocess.Popen[str], within: float = 120.0) -> Done:
    """Wait for a command; after so many seconds it hangs."""
    out, err = process.communicate(timeout=within)
    return Done(process.returncode, out or "", err or "")
