"""--set path.to.field=value."""

from pathlib import Path

import pytest

from orchestrator.errors import JobFileError
from orchestrator.spec.load import load_job, load_job_text
from orchestrator.spec.units import Size

TESTDATA = Path(__file__).parent.parent / "testdata" / "spec"
JOB = "task: a:b\nname: x\ninput: {range: {stop: 9}}\nwith: {a: &x [1, 2], b: *x, s: text}\n"


def message_of(*overrides):
    """What the user reads about overrides that are refused."""
    with pytest.raises(JobFileError) as caught:
        load_job_text(JOB, "job.yaml", overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("with.s=4", 4),
        ("with.s=4.5", 4.5),
        ("with.s=true", True),
        ("with.s=yes", "yes"),
        ("with.s=", None),
        ("with.s= padded ", "padded"),
        ("with.s=*.jpg", "*.jpg"),
        ("with.s=a: b # c", "a: b # c"),
        ("with.s=a=b", "a=b"),
        ("with.s=[1, {a: b}]", [1, {"a": "b"}]),
        ('with.s="4"', "4"),
        ("with.s='{result}'", "{result}"),
        ("with.s.deep.er=1", None),
    ],
)
def test_values(override, value):
    """A value is one YAML word, or a YAML list, mapping or quoted text; globs and colons need no quotes."""
    if value is None and "deep" in override:
        assert message_of(override) == f'--set {override}: with.s is the text "text"; deep cannot be set in it'
    else:
        assert load_job_text(JOB, "job.yaml", [override]).arguments["s"] == value


def test_paths():
    """Mappings on the way are made, lists are entered by index, the index after the last appends."""
    overrides = [
        "with.b.0=x",
        "with.b.2=3",
        "with.new.deep=1",
        "resources.memory=2Gi",
        "input.range.stop=5",
        "retry.attempts=1",
        "retry={backoff: 2s}",
    ]
    spec = load_job_text(JOB, "job.yaml", overrides)
    assert spec.arguments == {"a": [1, 2], "b": ["x", 2, 3], "s": "text", "new": {"deep": 1}}
    assert spec.resources.memory == Size(2 << 30)
    assert spec.input.range is not None
    assert spec.input.range.stop == 5
    assert spec.retry.attempts == 3


def test_an_empty_section_is_filled():
    """A section that stands empty in the file can be set."""
    spec = load_job(TESTDATA / "everything.yaml", ["kubernetes.nodes=3"])
    assert spec.kubernetes.nodes == 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("threads", "expected path.to.field=value\n  Example: --set resources.threads=4"),
        ("=4", "expected path.to.field=value\n  Example: --set resources.threads=4"),
        ("a..b=4", "expected path.to.field=value\n  Example: --set resources.threads=4"),
        ("with.a.x=4", 'with.a is a list of 2; expected an index from 0 to 2, found "x"'),
        ("with.a.3=4", 'with.a is a list of 2; expected an index from 0 to 2, found "3"'),
        ("with.a.-1=4", 'with.a is a list of 2; expected an index from 0 to 2, found "-1"'),
        ("with.s=.nan", ".nan is not a finite number; write it as text, in quotes"),
        ("with.s=\udcff", "the value is not UTF-8"),
        (".".join(["a"] * 41) + "=1", "the path has more than 40 steps"),
        (
            "resources.threads=many",
            'resources.threads: found the text "many", expected "auto" or a whole number from 1 to 4096',
        ),
        (
            "resources.thread=4",
            (
                "resources.thread: unknown key\n"
                "  Did you mean resources.threads? Known here: threads, profile, rounding, memory, pin."
            ),
        ),
        (
            "output.template={result}",
            (
                "output.template: found a mapping, expected text\n"
                "  Text that begins with a brace or a bracket needs quotes: --set 'output.template=\"…\"'"
            ),
        ),
        ("input.range.step=0", "input.range.step: found the number 0, expected any other"),
    ],
)
def test_refusals(override, message):
    """A mistake in an override is told with the text of that override."""
    assert message_of(override) == f"--set {override}: {message}"


def test_yaml_mistake_in_a_value():
    """A value that begins like YAML and is none names the override."""
    assert message_of("with.s=[1, 2").startswith("--set with.s=[1, 2: this is not valid YAML: expected ',' or ']'")


def test_the_file_s_own_mistake_keeps_its_place():
    """An override elsewhere in a section moves no mistake of the file."""
    text = JOB + "resources: {pin: 3}\n"
    with pytest.raises(JobFileError) as caught:
        load_job_text(text, "job.yaml", ["resources.threads=4"])
    assert str(caught.value) == "job.yaml:5:18: resources.pin: found the number 3, expected true or false"
