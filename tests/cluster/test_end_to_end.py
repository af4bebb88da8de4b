"""A whole run: submitted to the doubles, its pods really run as processes that share a folder, reported at the end."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.cluster.controller import Controller, End
from tests.cluster.test_commands import ftorch

JOB = """\
task: ./work.py:work
input: {range: {stop: 300}}
output: {path: /data/out.jsonl}
kubernetes: {image: example.com/ftorch, shards: 3, nodes: 2, volume: {claim: data, path: /data}}
"""


class Kubelet:
    """Runs a pod's container as a process, as its template says; what it mounts are folders, put for their paths."""

    def __init__(self, server, folder):
        self.server, self.folder, self.running = server, folder, {}

    def play(self, index, attempt):
        """Start the pod, or say how it ended."""
        key = (index, attempt)
        if not self.server.find("configmaps"):
            return None  # as a kubelet does, it waits for what is to be mounted
        if key not in self.running:
            self.running[key] = self._start(index, attempt)
        process, log = self.running[key]
        code = process.poll()
        return None if code is None else End(code, log.read_text() if log.exists() else "")

    def stop(self):
        """Leave no process behind."""
        for process, _ in self.running.values():
            process.kill()
            process.wait()

    def _mounted(self, text):
        return text.replace("/ftorch/job", str(self.folder / "code")).replace("/data/", f"{self.folder}/volume/")

    def _start(self, index, attempt):
        job = self.server.find("jobs")[0]
        code = self.folder / "code"
        code.mkdir(exist_ok=True)
        for name, text in self.server.find("configmaps")[0]["data"].items():
            (code / name).write_text(self._mounted(text))
        container = job["spec"]["template"]["spec"]["containers"][0]
        log = self.folder / f"log-{index}-{attempt}"
        env = {each["name"]: self._mounted(each["value"]) for each in container["env"] if "value" in each}
        env |= {"FTORCH_RUN": job["metadata"]["name"], "JOB_COMPLETION_INDEX": str(index)}
        env |= {"FTORCH_POD": f"pod-{index}", "FTORCH_NODE": "node-1", "FTORCH_TERMINATION_LOG": str(log)}
        filled = [re.sub(r"\$\((\w+)\)", lambda found: env[found[1]], each) for each in container["args"]]
        arguments = [self._mounted(each) for each in filled]
        env = {**os.environ, "PYTHONPATH": os.getcwd(), **env}
        command = [sys.executable, "-m", "orchestrator", *arguments]
        with (self.folder / f"output-{index}-{attempt}").open("wb") as output:
            return subprocess.Popen(command, env=env, cwd=code, stdout=output, stderr=output), log


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_run_with_real_pods(server, tmp_path):
    """Each pod works on its shard in the shared folder, the output is whole, and the report is that of all shards."""
    data, folder = tmp_path / "volume", tmp_path / "numbers"
    data.mkdir()
    folder.mkdir()
    (folder / "job.yaml").write_text(JOB)
    (folder / "work.py").write_text("def work(item):\n    return item * item\n")
    kubelet = Kubelet(server, tmp_path)
    controller = Controller(server, kubelet.play).start()
    try:
        ended = ftorch(folder, "submit", "job.yaml", "--on", "kubernetes", "--json", within=200)
    finally:
        controller.stop()
        kubelet.stop()
    said = "".join(path.read_text() for path in tmp_path.glob("output-*"))
    assert ended.returncode == 0, ended.stderr + said
    report = json.loads(ended.stdout)["report"]
    assert [row["shard"] for row in report["rows"]] == [0, 1, 2]
    assert report["items"] == 300
    lines = (data / "out.jsonl").read_text().splitlines()
    assert len(lines) == 300
