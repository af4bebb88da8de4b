"""A shipped job, copied away from the tree and run by the real command on input that its own script makes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ShippedJob:
    """A copy of a job's folder."""

    folder: Path

    def make_input(self) -> Path:
        """Run its make_input.py; gives the folder it fills."""
        script = [sys.executable, str(self.folder / "make_input.py"), "--size", "small"]
        subprocess.run(script, check=True, capture_output=True, timeout=60)
        return self.folder / "data"

    def try_submit(self, *options: str, run: str = "run") -> subprocess.CompletedProcess[str]:
        """Run `ftorch submit job.yaml` in its folder, with the run's state in the folder `run`."""
        command = [
            sys.executable,
            "-m",
            "orchestrator",
            "submit",
            "job.yaml",
            "--run",
            run,
            *options,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def submit(self, *options: str, run: str = "run") -> Path:
        """Run it, expect exit 0; gives the folder of its output."""
        done = self.try_submit(*options, run=run)
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return self.folder / "out"


@pytest.fixture
def shipped(tmp_path: Path) -> Callable[[str], ShippedJob]:
    """Gives a fresh copy of the job of that name."""

    def copy(name: str) -> ShippedJob:
        made_here = shutil.ignore_patterns("data", "out", "__pycache__", ".ftorch")
        folder = Path(shutil.copytree(ROOT / "jobs" / name, tmp_path / name, ignore=made_here))
        return ShippedJob(folder)

    return copy
