"""`ftorch plan --on kubernetes`, as a user types it: real runs, real files, no cluster."""

import json
import sys

import pytest

from orchestrator.cluster.client.keeping import Kept
from orchestrator.cluster.pods import PodEnd
from tests.command import finish

WORK = """\
def f(n):
    return sum(i * i for i in range(20_000))
"""
KUBERNETES = {"image": "example.com/ftorch", "cpu": 2, "shards": 10, "store": "s3://bucket/runs"}
AGAIN = ("--set", "output.overwrite=true")
PEAK = """\
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], check=False)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(done.returncode)
"""
"""Runs a command, and tells the peak of its memory: one that pytest starts itself begins with pytest's own."""
PLAN = ("plan", "job.yaml", "--on", "kubernetes")


@pytest.fixture
def measured(place):
    """A folder with a job of which a run was made here."""
    place.job(WORK, name="squares", input={"range": {"stop": 400}}, kubernetes=KUBERNETES)
    place.submit()
    return place


def kept(place, run, start=7.0, seconds=50.0, evicted=0):
    """What pods of a run on a cluster left behind on this machine; so many more were evicted after half an hour."""
    file = Kept(place.path, run)
    for number in range(evicted):
        taken = {"pod": f"{run}-taken-{number}", "uid": f"taken-{number}", "node": "n", "message": "", "evicted": True}
        moments = {"created": 1000.0, "started": 1007.0, "finished": 2800.0}
        file.add(PodEnd(shard=number, exit_code=137, reason="TerminationByKubelet", **taken, **moments))
    for shard in range(4):
        told = {"run": run, "shard": shard, "exit_code": 0, "message": "", "items": 100, "wall_s": seconds}
        more = {"threads": 4, "quota_cpus": 4.0, "cpu_s": 4 * seconds}
        moments = {"created": 1000.0, "started": 1000.0 + start, "finished": 1003.0 + start + seconds}
        where = {"pod": f"{run}-{shard}", "uid": f"uid-{shard}", "node": "n"}
        end = {"exit_code": 0, "reason": "", "evicted": False, "message": json.dumps(told | more)}
        file.add(PodEnd(shard=shard, **where, **end, **moments))


def figures(told):
    """The figures of a forecast by their names."""
    return {figure["name"]: figure for figure in told["figures"]}


def test_without_a_run_there_is_no_forecast(place):
    """Nothing is made up: exit 2, with what to run."""
    place.job(WORK, kubernetes=KUBERNETES)
    ended = place.ftorch(*PLAN).expect(2, "no finished run of", "ftorch submit JOB --limit N", "--from RUN")
    assert ended.out == ""


def test_a_forecast_from_a_run(measured):
    """Time and cost for some numbers of nodes, the cheapest for a deadline, and where every figure is from."""
    told = (
        measured.ftorch(*PLAN, "--deadline", "10m", "--price", "0.04", "--pod-start", "30s", "--json").expect(0).json()
    )
    assert told["job"] == "squares"
    assert told["run"] == measured.runs()[0].name
    assert [row["nodes"] for row in told["rows"]][-1] == told["most"] == 10
    assert all(row["low"] <= row["seconds"] <= row["high"] for row in told["rows"])
    assert all(row["cost"] == pytest.approx(row["cpu_hours"] * 0.04) for row in told["rows"])
    assert told["cheapest"]["seconds"] <= 600
    found = figures(told)
    assert (found["work"]["value"], found["work"]["unit"]) == (400, "item")
    assert (found["pod start"]["value"], found["pod start"]["origin"]) == (30, "given")
    assert all(
        each["origin"] in {"measured", "given", "assumed", "computed"} and each["source"] for each in found.values()
    )
    text = measured.ftorch(*PLAN, "--deadline", "10m").expect(0).out
    assert text.startswith("squares in 10 shards: computed, not measured, from run squares-")
    assert "cheapest" in text
    assert "pod start 20 s: assumed" in text


def test_a_run_measures_what_its_chunks_cost(measured):
    """The report has the costs that the forecast is made from: all the axis, and all of the threads' time."""
    node = measured.ftorch("report", measured.runs()[0], "--json").expect(0).json()["nodes"][0]
    costs = node["costs"]
    assert sum(costs["units"]) == 400
    assert costs["chunks"] == node["chunks"]["count"]
    assert 0 < sum(costs["seconds"]) <= sum(lane["wall_seconds"] for lane in node["lanes"]) * 1.01
    assert costs["longest"] <= node["wall_seconds"]


def test_a_billion_items_in_ten_thousand_shards(measured):
    """They are planned in bounded memory: the command's peak is that of its imports."""
    large = ("--set", "input.range.stop=1000000000", "--set", "kubernetes.shards=10000", "--deadline", "6h", "--json")
    done = measured.ftorch(*PLAN, *large, prefix=(sys.executable, "-c", PEAK)).expect(0)
    told = done.json()
    assert figures(told)["work"]["value"] == 1e9
    assert told["most"] == 1000
    assert told["rows"][0]["shards"] == 10_000
    assert int(done.err) < 150_000, "kilobytes"


def test_the_newest_finished_run_is_taken(measured):
    """One that was not finished is passed over; one that is named is taken, by its name too."""
    first = measured.runs()[0]
    measured.submit("--limit", "100", *AGAIN)
    second = next(run for run in measured.runs() if run != first)
    assert measured.ftorch(*PLAN, "--json").expect(0).json()["run"] == second.name
    (second / "report.json").unlink()
    assert measured.ftorch(*PLAN, "--json").expect(0).json()["run"] == first.name
    measured.ftorch(*PLAN, "--from", second).expect(2, "not finished", f"ftorch status {second}")
    assert measured.ftorch(*PLAN, "--from", first.name, "--json").expect(0).json()["run"] == first.name
    measured.ftorch(*PLAN, "--from", "nowhere").expect(2, "no run of that name", "nowhere")


def test_a_run_of_another_version_is_read_all_the_same(measured):
    """Its job file may have what this version does not read: the report is what counts."""
    file = measured.runs()[0] / "job.json"
    manifest = json.loads(file.read_text())
    manifest["job"]["kubernetes"]["cpu"] = None
    report = measured.runs()[0] / "report.json"
    told = json.loads(report.read_text())
    del told["nodes"][0]["costs"]
    for name, content in ((file, manifest), (report, told)):
        name.write_text(json.dumps(content))
    found = measured.ftorch(*PLAN, "--json").expect(0).json()
    assert figures(found)["uneven"]["origin"] == "assumed"
    assert any("how much items differ was not measured" in note for note in found["notes"])


def test_an_input_that_cannot_be_seen_from_here(measured):
    """Paths on a claim are taken to be as that run found them; from a run of the first items alone, N is asked for."""
    inside = ("--set", 'input={"files": {"root": "/data/photos"}}')
    told = measured.ftorch(*PLAN, *inside, "--json").expect(0).json()
    assert figures(told)["work"]["value"] == 400
    assert "cannot be counted from here" in figures(told)["work"]["source"]
    assert any("another in input" in note for note in told["notes"])
    measured.submit("--limit", "50", *AGAIN)
    measured.ftorch(*PLAN, *inside).expect(2, "cannot be counted from here", "--items N")
    told = measured.ftorch(*PLAN, *inside, "--items", "5000000", "--json").expect(0).json()
    assert (figures(told)["work"]["value"], figures(told)["work"]["source"]) == (5e6, "--items")


def test_pods_of_an_earlier_run_tell_their_start(measured):
    """What is kept of a run on the cluster says what its pods took to start, and what they did beside the work."""
    kept(measured, "squares-20260101-020000-1a2b")
    kept(measured, "squares-more-20260101-020000-1a2b", start=99.0)
    told = measured.ftorch(*PLAN, "--from", measured.runs()[0], "--json").expect(0).json()
    assert (figures(told)["pod start"]["value"], figures(told)["pod start"]["origin"]) == (7, "measured")
    told = measured.ftorch(*PLAN, "--set", "kubernetes.cpu=4", "--json").expect(0).json()
    assert told["run"] == "squares-20260101-020000-1a2b", "it is newer"
    found = figures(told)
    assert found["rate"]["value"] == pytest.approx(2.0)
    assert found["set-up"]["value"] == pytest.approx(3.0)
    named = measured.ftorch(*PLAN, "--from", "squares-20260101-020000-1a2b", "--json").expect(0).json()
    assert named["run"] == told["run"]


def test_evictions_are_given_or_taken_from_an_earlier_run(measured):
    """As many an hour as pods of a run on the cluster were taken away, or as is said; none is assumed, and told."""
    assert figures(measured.ftorch(*PLAN, "--json").expect(0).json())["evictions"]["origin"] == "assumed"
    kept(measured, "squares-20260101-020000-1a2b", evicted=2)
    told = measured.ftorch(*PLAN, "--from", measured.runs()[0], "--json").expect(0).json()
    found = figures(told)["evictions"]
    assert (found["origin"], found["unit"]) == ("measured", "/h a pod")
    assert found["value"] == pytest.approx(2 / ((2 * 1800 + 4 * 60) / 3600))
    assert told["rows"][0]["evictions"] > 0
    for said in ("2/h", "200%/h", "48/d"):
        told = measured.ftorch(*PLAN, "--evictions", said, "--pod-start", "30s", "--json").expect(0).json()
        found = figures(told)["evictions"]
        assert (found["origin"], found["value"]) == ("given", 2)
    text = measured.ftorch(*PLAN, "--evictions", "0.05/h").expect(0).out
    assert "evictions 0.05/h a pod: given, --evictions" in text
    measured.ftorch(*PLAN, "--evictions", "1000/h").expect(2, "hardly any gets to work", "such as 0.05/h")


def test_a_run_of_shards_is_read_as_a_whole(place):
    """From a run of several processes: their items together, and what each shard cost."""
    place.job(WORK, name="squares", input={"range": {"stop": 400}}, kubernetes=KUBERNETES | {"shards": 3})
    pods = [
        place.popen("submit", "job.yaml", "--run", place / "run", "--shard", str(shard), "-q") for shard in range(3)
    ]
    for pod in pods:
        finish(pod).expect(0)
    told = place.ftorch(*PLAN, "--from", place / "run", "--json").expect(0).json()
    found = figures(told)
    assert found["work"]["value"] == 400
    assert found["uneven"]["source"].endswith("its stretches as they were")
    assert {found[name]["origin"] for name in ("planning", "publishing")} == {"measured"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--deadline", "2h"), "--deadline is about a cluster: give it with --on kubernetes"),
        (("--from", "x"), "--from is about a cluster"),
        (("--pod-start", "3s"), "--pod-start is about a cluster"),
        (("--on", "kubernetes", "--deadline", "soon"), "found 'soon', expected a length of time"),
        (("--evictions", "0.1/h"), "--evictions is about a cluster"),
        (
            ("--on", "kubernetes", "--evictions", "0.05"),
            "found '0.05', expected how often in which time, such as 0.05/h",
        ),
        (("--on", "kubernetes", "--evictions", "often/h"), "found 'often/h', expected how often"),
        (("--on", "kubernetes", "--evictions", "-1/h"), "found '-1/h', expected how often"),
        (("--on", "kubernetes", "--price", "-1"), "-1.0 is not in the range x>=0"),
        (("--on", "kubernetes", "--limit", "3", "--items", "3"), "give one"),
        (("--on", "nomad"), "'nomad' is not 'kubernetes'"),
    ],
)
def test_wrong_options(place, options, said):
    """Each is one line, and exit 2."""
    place.job(WORK, kubernetes=KUBERNETES)
    place.ftorch("plan", "job.yaml", *options).expect(2, said)
