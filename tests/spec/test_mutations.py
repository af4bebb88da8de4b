"""Whatever is done to a job file, it is a job or a mistake that names the file; nothing else ever comes out."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import JobFileError
from orchestrator.spec import yaml_source
from orchestrator.spec.load import dump_job, load_job_text, parse_job
from orchestrator.spec.model import JobSpec
from orchestrator.spec.yaml_source import decode

TESTDATA = Path(__file__).parent.parent / "testdata" / "spec"
FILES = [(TESTDATA / name).read_text(encoding="utf-8") for name in ("design.yaml", "everything.yaml", "hashing.yaml")]
TREES = [yaml.safe_load(text) for text in FILES]
NAME = "a-job-file.yaml"
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
THOROUGH = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))

NOISE = st.sampled_from(
    [
        "\t",
        "\n",
        " ",
        ":",
        ": ",
        "- ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "#",
        "&a ",
        "*a",
        "!!str ",
        "!x ",
        "|",
        ">-\n",
        "'",
        '"',
        "%",
        "@",
        "`",
        "---\n",
        "...\n",
        "<<: ",
        "\x00",
        "\r",
        "\x85",
        "\u2028",
        "\ufeff",
        "�",
        "é",
        "💥",
        "1e999",
        ".nan",
        "-.inf",
        "0x",
        "9" * 70,
        "~",
        "{result",
        "\\",
        '"\\ud800"',
        '"\\0"',
        "\n  ",
        "%YAML 1.1\n",
    ]
) | st.text(max_size=3)
KEYS = st.sampled_from(
    [
        "task",
        "input",
        "files",
        "root",
        "lines",
        "path",
        "range",
        "stop",
        "step",
        "output",
        "format",
        "name",
        "memory",
        "threads",
        "cron",
        "time_zone",
        "shards",
        "max_failed",
        "include",
        "columns",
        "template",
        "with",
        "",
        "x",
    ]
) | st.text(max_size=4)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["auto", "stop", "tree", "text", "csv", "1%", "2Gi", "1.5m", "../x", "/x", "{key}", "* * * * *", ""]
    )
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=3,
)
# json.dumps escapes these so that YAML reads them back: no DEL, nothing that takes a surrogate pair.
ESCAPABLE = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=5
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ESCAPABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ESCAPABLE, inner, max_size=3),
    max_leaves=5,
)


def check(text, *overrides):
    """Load a text: what comes out is a job that survives the run folder, or a message with the file's name."""
    try:
        spec = load_job_text(text, NAME, overrides)
    except JobFileError as error:
        assert str(error).startswith((NAME, "--set "))  # noqa: PT017
        return
    assert isinstance(spec, JobSpec)
    assert parse_job(dump_job(spec)) == spec


@st.composite
def noisy_texts(draw):
    """A job file with a few pieces of its text cut out, doubled, or replaced by noise."""
    text = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        middle = draw(NOISE) if draw(st.booleans()) else text[start:end] * draw(st.integers(0, 2))
        text = text[:start] + middle + text[end:]
    return text


@st.composite
def changed_trees(draw):
    """A job's data with some keys deleted, renamed or given other values, written as YAML again."""
    tree = copy.deepcopy(draw(st.sampled_from(TREES)))
    for _ in range(draw(st.integers(1, 3))):
        change(draw, tree)
    return yaml.dump(tree, Dumper=DUMPER, allow_unicode=True)


def change(draw, tree):
    """Walk down to some mapping and change one of its keys."""
    while True:
        below = [value for value in tree.values() if isinstance(value, dict) and value]
        if not below or draw(st.booleans()):
            break
        tree = draw(st.sampled_from(below))
    key = draw(st.sampled_from([*tree] or [""]))
    match draw(st.sampled_from(["delete", "rename", "replace", "add"])):
        case "delete":
            tree.pop(key, None)
        case "rename":
            tree[draw(KEYS)] = tree.pop(key, None)
        case "replace":
            tree[key] = draw(VALUES)
        case _:
            tree[draw(KEYS)] = draw(VALUES)


@THOROUGH
@given(noisy_texts())
def test_noise(text):
    """A job file with YAML noise in it is a job or a JobFileError."""
    check(text)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(noisy_texts())
def test_noise_without_libyaml(text):
    """PyYAML's own parser, where there is no libyaml, holds to the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_source, "_LOADER", yaml.SafeLoader)
        check(text)


@THOROUGH
@given(changed_trees())
def test_other_keys_and_values(text):
    """A job file with keys gone, renamed or of another type is a job or a JobFileError."""
    check(text)


@THOROUGH
@given(st.sampled_from(FILES), st.integers(0, 1000), st.binary(max_size=20))
def test_random_bytes(text, place, noise):
    """A job file with random bytes in it is a job or a JobFileError."""
    data = text.encode()
    broken = data[: place % len(data)] + noise + data[place % len(data) + len(noise) :]
    try:
        decoded = decode(broken, NAME)
    except JobFileError as error:
        assert str(error).startswith(NAME)  # noqa: PT017
        return
    check(decoded)


@THOROUGH
@given(st.sampled_from(FILES), st.lists(KEYS, min_size=1, max_size=3).map(".".join), NOISE | st.text())
def test_random_overrides(text, path, value):
    """Any --set leaves a job or a JobFileError."""
    check(text, f"{path}={value}")


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(ESCAPABLE, JSON, max_size=4))
def test_arguments_come_through(arguments):
    """Whatever JSON can hold comes through `with:` and the run folder as it was written."""
    tree = {"task": "a:b", "input": {"range": {"stop": 1}}, "with": arguments}
    spec = load_job_text(json.dumps(tree))
    assert spec.arguments == arguments
    assert parse_job(dump_job(spec)).arguments == arguments
