"""Each command, end to end: text, JSON and exit code."""

import json
import os

from orchestrator.cli.main import COMMANDS
from tests.command import Place


def test_without_arguments_and_with_a_slip(place: Place):
    """Without arguments the commands are listed; a slip of a command is answered with the nearest one."""
    help_ = place.ftorch().expect(2).err
    for command in COMMANDS:
        assert f"\n  {command} " in help_
    assert "Exit codes: 0 done" in help_
    place.ftorch("sumbit").expect(2, "Did you mean 'submit'?")
    assert place.ftorch("--version").expect(0).out.startswith("ftorch 0.")


def test_help_shows_an_example(place: Place):
    """Every command's help has an example that begins with the command itself."""
    for command in COMMANDS:
        text = place.ftorch(command, "--help").expect(0).out
        assert "Example" in text
        assert f"\n    ftorch {command}" in text


def test_init_writes_a_job_that_runs(place: Place):
    """What init writes is planned and run as it is; a second init refuses to overwrite it."""
    done = place.ftorch("init", "My Photos").expect(0)
    assert done.out.splitlines() == [
        "wrote My Photos/job.yaml",
        "wrote My Photos/task.py",
        "next: ftorch plan 'My Photos/job.yaml'",
    ]
    plan = place.ftorch("plan", "My Photos", "--json").expect(0).json()
    assert (plan["name"], plan["items"], plan["refusal"]) == ("my-photos", 1, None)
    report = place.ftorch("submit", "My Photos", "--json").expect(0).json()
    assert (report["state"], report["items"], report["failed"]) == ("done", 1, 0)
    [record] = place.records("My Photos/out/results.jsonl")
    assert record["key"] == "task.py"
    assert record["result"]["lines"] == len((place / "My Photos/task.py").read_text().splitlines())
    place.ftorch("init", "My Photos").expect(2, "job.yaml and task.py would be overwritten")


def test_plan_explains_without_writing(place: Place):
    """Plan and --dry-run say what would be done, in text and JSON, and write nothing."""
    place.job(input={"range": {"stop": 1234}}, resources={"threads": 3})
    before = place.listing()
    text = place.ftorch("plan", "job.yaml").expect(0).out
    assert "place: ./task.py:f\n  input       1,234 items\n" in text
    assert "  threads     3: asked for by --threads or resources.threads" in text
    assert f"  writes      {place.path}/out.jsonl (jsonl)\n" in text
    assert (
        place.ftorch("submit", "job.yaml", "--dry-run").expect(0).out.split("imported")[0] == text.split("imported")[0]
    )
    data = place.ftorch("plan", "job.yaml", "--json", "--limit", "5", "--set", "name=other").expect(0).json()
    assert (data["name"], data["items"], data["threads"]["threads"]) == ("other", 5, 3)
    assert place.listing() == before


def test_submit_reports(place: Place):
    """The report has host, interpreter, threads and reason, time, chunks, items, output and run; JSON has the same."""
    place.job(input={"range": {"stop": 1000}}, resources={"threads": 2})
    done = place.ftorch("submit", "job.yaml").expect(0)
    title, *lines = done.out.splitlines()
    assert title == f"{place.runs()[0].name}: done"
    labels = [line[2:14].strip() for line in lines]
    expected = ["host", "python", "threads", "time", "cpu", "memory", "chunks", "items", "output", "run"]
    assert [label for label in labels if label in expected] == expected
    assert "  items       1,000" in lines
    assert f"  run         {place.runs()[0]}" in lines
    assert not any("speedup" in line for line in lines)
    again = place.ftorch("report").expect(0)
    assert again.out == done.out
    report = place.ftorch("report", "--json").expect(0).json()
    [node] = report["nodes"]
    assert (report["state"], report["items"], report["total_items"]) == ("done", 1000, 1000)
    assert sum(lane["items"] for lane in node["lanes"]) == node["items"] == 1000
    assert node["threads"] == {
        "threads": 2,
        "reason": "asked for by --threads or resources.threads",
        "warnings": node["threads"]["warnings"],
        "climbs": False,
    }
    assert report["output"] == {
        "path": str(place / "out.jsonl"),
        "bytes": (place / "out.jsonl").stat().st_size,
        "files": 1,
    }


def test_progress_goes_to_standard_error_as_json_lines(place: Place):
    """Where there is no terminal, progress is a JSON object a line; --quiet has none, and no report either."""
    place.job(output={"path": "out.jsonl", "overwrite": True})
    done = place.ftorch("submit", "job.yaml").expect(0)
    assert [event["event"] for event in done.events] == ["started", "ended"]
    assert len(done.events) == len(done.err.splitlines())
    last = done.events[-1]
    assert (last["items"], last["total_items"], last["failed"], last["run"]) == (10, 10, 0, place.runs()[0].name)
    assert last["items_per_second"] > 0
    quiet = place.ftorch("submit", "job.yaml", "--quiet").expect(0)
    assert (quiet.out, quiet.err) == ("", "")
    piped = place.ftorch("submit", "job.yaml", "--json").expect(0)
    assert piped.json()["state"] == "done"


def test_failures_are_shown_and_retried(place: Place):
    """Failed items are shown with what to do; --quiet says it in a line; --retry-failed does just those."""
    source = (
        "from pathlib import Path\ndef f(n):\n    if n in (3, 7) and not Path(__file__).with_name('mended').exists():\n"
    )
    source += "        raise ValueError(f'no {n}')\n    return -n\n"
    place.job(source, retry={"attempts": 2, "backoff": "1ms"})
    done = place.ftorch("submit", "job.yaml").expect(1)
    run = place.runs()[0]
    assert "failed (2 of 10 items failed" in done.out
    assert "  failed      3: ValueError: no 3 (tried 2 times)\n" in done.out
    assert f"do them again: ftorch submit --retry-failed {run}" in done.out
    kept = [json.loads(line) for line in (run / "failures.jsonl").read_bytes().splitlines()]
    assert [(failure["key"], failure["error"], failure["attempts"]) for failure in kept] == [
        (3, "no 3", 2),
        (7, "no 7", 2),
    ]
    assert "raise ValueError" in kept[0]["traceback"]
    place.ftorch("submit", "--retry-failed", run.name, "-q").expect(1, "2 of 10 items failed", "failures.jsonl")
    told = place.ftorch("status", run.name).expect(0).out
    assert told.startswith(f"{run.name}: failed\n")
    assert f"next        ftorch submit --retry-failed {run}" in told
    assert place.results() == [-n for n in range(10) if n not in (3, 7)]
    place.write("mended", "")
    report = place.ftorch("submit", "--retry-failed", run.name, "--threads", "1", "--json").expect(0).json()
    assert (report["state"], report["failed"]) == ("done", 0)
    assert place.results() == [-n for n in range(10)]


def test_runs_and_status(place: Place):
    """Runs are listed the oldest first, also a damaged one; status finds one by folder, by name and as the newest."""
    assert place.ftorch("runs").expect(0).out.startswith("no runs below ")
    place.ftorch("runs", "nowhere").expect(2, "nowhere: there is no such folder")
    place.job(output={"path": "out.jsonl", "overwrite": True})
    for _ in range(3):
        place.ftorch("submit", "job.yaml", "-q").expect(0)
    listed = place.ftorch("runs", "--json").expect(0).json()
    assert [status["state"] for status in listed] == ["done"] * 3
    assert sorted(status["created"] for status in listed) == [status["created"] for status in listed]
    first, _, last = (status["run"] for status in listed)
    for argument, run in ((".", last), ("job.yaml", last), (first, first), (f".ftorch/runs/{first}", first)):
        assert place.ftorch("status", argument).expect(0).out == f"{run}: done\n  committed   10 items (100 %)\n"
    (place / ".ftorch/runs" / first / "plan/index.json").write_bytes(b"{")
    head, *rows = place.ftorch("runs").expect(0).out.splitlines()
    assert head.split() == ["RUN", "STATE", "STARTED", "DONE", "FAILED", "ITEMS"]
    assert [row.split()[1] for row in rows] == ["damaged" if status["run"] == first else "done" for status in listed]
    assert "damaged" in [status["state"] for status in place.ftorch("runs", "--json").expect(0).json()]


def test_collect_publishes_again(place: Place):
    """Collect writes the same output from the run's parts, and refuses to replace what is not the run's."""
    place.job()
    place.submit()
    first = (place / "out.jsonl").read_bytes()
    (place / "out.jsonl").unlink()
    assert place.ftorch("collect").expect(0).out == f"{place / 'out.jsonl'} ({len(first)} B, 1 file)\n"
    assert (place / "out.jsonl").read_bytes() == first
    assert place.ftorch("collect", "--json").expect(0).json()["bytes"] == len(first)
    place.write("out.jsonl", "mine, and longer than the run's own")
    place.ftorch("collect").expect(2, "out.jsonl")
    assert (place / "out.jsonl").read_text() == "mine, and longer than the run's own"


def test_schema_describes_what_plan_accepts(place: Place):
    """The schema is JSON Schema 2020-12, and knows every field of the job file."""
    schema = place.ftorch("schema").expect(0).json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    fields = schema["$defs"]["JobSpec"]["properties"]
    assert {"task", "input", "output", "with", "resources", "retry", "failures", "timeout", "runtime"} <= set(fields)


def test_doctor_says_what_the_machine_offers(place: Place):
    """Doctor has a row for each thing that matters, and its JSON agrees with the system."""
    text = place.ftorch("doctor").expect(0).out
    rows = [line[2:14].strip() for line in text.splitlines()]
    expected = ["host", "python", "cpus", "quota", "memory", "threads", "backend", "pools", "advice"]
    assert [row for row in rows if row in expected][: len(expected)] == expected
    data = place.ftorch("doctor", "--json").expect(0).json()
    assert data["host"]["affinity"] == len(os.sched_getaffinity(0))
    assert 1 <= data["threads"]["threads"] <= data["host"]["affinity"]
    assert place.ftorch("doctor", "--json", env={"FTORCH_THREADS": "7"}).expect(0).json()["threads"]["threads"] == 7
    assert "processes" in place.ftorch("doctor", env={"PYTHON_GIL": "1"}).expect(0).out


def test_report_as_a_page(place: Place):
    """--html writes the report as one file, or to standard output; a folder that is a file is told."""
    place.job()
    run = place.submit()["run"]
    assert place.ftorch("report", "--html", "pages/r.html").expect(0).out == "wrote pages/r.html\n"
    page = (place / "pages/r.html").read_text()
    assert page.startswith("<!doctype html>")
    assert run in page
    assert place.ftorch("report", "--html", "-").expect(0).out == page
    place.ftorch("report", "--html", "job.yaml/r.html").expect(2, "job.yaml/r.html", "it cannot be written")
    place.ftorch("report", "--html", "r.html", "--json").expect(2, "--html and --json are two forms of one report")
