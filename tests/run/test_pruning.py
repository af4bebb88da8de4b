"""Which runs go, and why the others stay."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.run.pruning import Candidate, Rule, choose

STATES = ("planning", "running", "interrupted", "complete", "done", "damaged")


def run(name: str, created: float, state: str = "done", job: str = "photos") -> Candidate:
    """A run."""
    return Candidate(name, f"runs/{name}", job, state, created)


def gone(candidates: list[Candidate], rule: Rule) -> list[str]:
    """The names of the runs that go."""
    return [choice.candidate.run for choice in choose(candidates, rule) if choice.remove]


def test_the_newest_of_each_job_stay() -> None:
    """With --keep 1 every job keeps its newest finished run, whatever the order in which they are listed."""
    runs = [run("b", 2), run("a", 1), run("c", 3), run("x", 1, job="texts")]
    assert gone(runs, Rule(1, None)) == ["b", "a"]


def test_both_rules_must_let_a_run_go() -> None:
    """With --keep and --older only runs go that are beyond the number and old enough."""
    runs = [run("a", 1), run("b", 2), run("c", 3)]
    assert gone(runs, Rule(1, 2.0)) == ["a"]
    assert gone(runs, Rule(None, 3.0)) == ["a", "b"]


def test_a_week_of_failures_does_not_push_out_the_last_good_run() -> None:
    """Unfinished runs are not counted among the newest unless they may go themselves."""
    runs = [run("good", 1), run("bad", 2, "interrupted"), run("worse", 3, "damaged")]
    assert gone(runs, Rule(1, None)) == []
    assert gone(runs, Rule(1, None, unfinished=True)) == ["good", "bad"]


candidates = st.lists(
    st.builds(
        run,
        st.uuids().map(str),
        st.integers(0, 20).map(float),
        st.sampled_from(STATES),
        st.sampled_from(["photos", "texts"]),
    ),
    max_size=12,
)
rules = st.builds(Rule, st.none() | st.integers(0, 4), st.none() | st.integers(0, 20).map(float), st.booleans())


@given(candidates, rules)
def test_what_is_promised_holds_for_any_runs(runs: list[Candidate], rule: Rule) -> None:
    """Nothing that is at work goes, nor what a rule keeps; every choice has a reason; so many of each job stay."""
    choices = choose(runs, rule)
    assert [choice.candidate for choice in choices] == runs
    assert all(choice.reason or (rule.keep is None and rule.before is None) for choice in choices)
    for choice in (choice for choice in choices if choice.remove):
        one = choice.candidate
        assert one.state == "done" or (rule.unfinished and one.state != "running")
        assert rule.before is None or one.created < rule.before
        newer = [
            other
            for other in runs
            if other.job == one.job and other.state == "done" and other.created >= one.created and other is not one
        ]
        assert rule.unfinished or rule.keep is None or len(newer) >= rule.keep
    for job in ("photos", "texts"):
        finished = [one for one in runs if one.job == job and one.state == "done"]
        left = [c for c in choices if c.candidate in finished and not c.remove]
        assert rule.unfinished or rule.keep is None or len(left) >= min(rule.keep, len(finished))
