"""What a scanner of policies says about all that ftorch puts on a cluster."""

import hashlib
import json
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from tests.command import ROOT
from tools.chart import GOLDEN
from tools.manifests import FOLDER

LOCK = Path(__file__).with_name("checkov.lock")
ARGUED = Path(__file__).with_name("argued.yaml")
FITS = "import sys; sys.exit(sys.version_info < (3, 11) or not getattr(sys, '_is_gil_enabled', lambda: True)())"


def gil_python():
    """A Python with the GIL from 3.11 on; checkov's parts have no wheels for one without."""
    for folder in os.get_exec_path():
        python = os.path.join(folder, "python3")
        if os.access(python, os.X_OK) and subprocess.run([python, "-c", FITS], check=False).returncode == 0:
            return python
    pytest.skip("needs a python3 with the GIL, 3.11 or newer, on PATH")


@pytest.fixture(scope="module")
def checkov():
    """The command, in an environment made from its lock: whole or not at all."""
    python = gil_python()
    version = subprocess.run([python, "-VV"], capture_output=True, check=True).stdout
    home = ROOT / ".cache" / "checkov" / hashlib.sha256(LOCK.read_bytes() + version).hexdigest()[:16]
    command = home / "bin" / "checkov"
    if not (home / "whole").exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([python, "-m", "venv", home], check=True)
        words = ["install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        made = subprocess.run(
            [home / "bin/python", "-m", "pip", *words, "-r", LOCK], capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
        (home / "whole").touch()
    return command


def scan(checkov, folder: Path):
    """The checks that fail: a check's id → the objects it fails for."""
    done = subprocess.run(
        [checkov, "-d", folder, "--framework", "kubernetes", "--skip-download", "--compact", "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LOG_LEVEL": "ERROR"},
    )
    found = json.loads(done.stdout)
    assert found["summary"]["parsing_errors"] == 0, found
    failed = defaultdict(list)
    for check in found["results"]["failed_checks"]:
        failed[check["check_id"]].append(f"{check['file_path']} {check['resource']}: {check['check_name']}")
    return failed, found["summary"]["passed"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_fails_is_argued(checkov, tmp_path):
    """No policy fails that is not argued in argued.yaml, and nothing is argued that does not fail."""
    for path in (ROOT / FOLDER).glob("*.yaml"):
        shutil.copy(path, tmp_path)
    for path in (ROOT / GOLDEN).glob("*.yaml"):
        parts = path.read_text(encoding="utf-8").split("---\n# ")
        objects = [part for part in parts if "NOTES.txt" not in part.partition("\n")[0]]
        (tmp_path / f"chart-{path.name}").write_text("---\n# ".join(["", *objects]), encoding="utf-8")
    failed, passed = scan(checkov, tmp_path)
    argued = yaml.safe_load(ARGUED.read_text(encoding="utf-8"))
    assert passed > 500
    assert {check: places for check, places in failed.items() if check not in argued} == {}
    assert sorted(set(argued) - set(failed)) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_scanner_sees_what_is_wrong(checkov, tmp_path):
    """A privileged pod as root, with a token and a writable root, is not passed over."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bad", "namespace": "x"},
        "spec": {"containers": [{"name": "a", "image": "b", "securityContext": {"privileged": True}}]},
    }
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(pod), encoding="utf-8")
    failed, _ = scan(checkov, tmp_path)
    assert {"CKV_K8S_16", "CKV_K8S_22", "CKV_K8S_37", "CKV_K8S_38"} <= set(failed)
