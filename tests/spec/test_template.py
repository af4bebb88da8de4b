"""What `ftorch init` writes."""

import pytest

from orchestrator.inputs.files import File
from orchestrator.spec.load import load_job
from orchestrator.spec.template import render_init


@pytest.mark.parametrize("name", ["photos", "true", "123", "1e3", "null"])
def test_it_loads_as_it_is(tmp_path, name):
    """The job file that init writes is a valid job of that name, even where the name looks like a number."""
    for file, text in render_init(name).items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    spec = load_job(tmp_path / "job.yaml")
    assert spec.name == name
    assert spec.task == "./task.py:process"


@pytest.mark.parametrize(
    "lines",
    [
        ["  lines: {path: data/input.txt}"],
        ["  jsonl: {path: data/input.jsonl}"],
        ["  csv: {path: data/input.csv}"],
        ["  range: {start: 0, stop: 1000000}"],
        ["  order: finished"],
        ["resources:", "  threads: auto", "  memory: 2Gi"],
        ["timeout: {item: 60s, job: 2h}"],
        ["runtime:", "  free_threading: required"],
        ["kubernetes: {image: example.org/team/image:tag, nodes: 4, shards: 64, cpu: 16, memory: 32Gi}"],
        ['schedule: {cron: "0 2 * * *", time_zone: Etc/UTC, concurrency: Forbid}'],
    ],
)
def test_what_is_commented_out_is_right(tmp_path, lines):
    """Each piece that is commented out is valid where it stands, once the mark is taken away."""
    text = render_init("x")["job.yaml"]
    is_input = lines[0].split(":")[0].strip() in ("lines", "jsonl", "csv", "range")
    if is_input:
        before, _, rest = text.partition("  files:")
        text = before.rstrip("\n") + "\n" + rest[rest.index("  # lines") :]
    for line in lines:
        mark = f"  # {line.strip()}" if is_input or "order" in line else f"# {line}"
        assert text.count(f"\n{mark}") == 1
        text = text.replace(f"\n{mark}", f"\n{line}")
    (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
    load_job(tmp_path / "job.yaml")


def test_the_task_runs(tmp_path):
    """The task that init writes gives a result for a file, and needs nothing that is not there."""
    namespace: dict[str, object] = {}
    exec(compile(render_init("x")["task.py"], "task.py", "exec"), namespace)
    file = tmp_path / "a.txt"
    file.write_bytes(b"one three\nfive \xff\n")
    result = namespace["process"](File(str(file), "a.txt", 17, 0), shortest=2)
    assert result == {"lines": 2, "words": 3, "longest": "three"}
