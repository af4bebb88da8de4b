"""YAML to nodes: what is read, what is refused, where each thing stands."""

import pytest
import yaml

from orchestrator.errors import JobFileError
from orchestrator.spec import yaml_source
from orchestrator.spec.composer import MAX_DEPTH
from orchestrator.spec.nodes import Place, locate, plain
from orchestrator.spec.yaml_source import MAX_BYTES, compose, decode


def message_of(text):
    """What the user reads about a text that is refused."""
    with pytest.raises(JobFileError) as caught:
        compose(text, "job.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("True", True),
        ("false", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2024-01-31", "2024-01-31"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("2Gi", "2Gi"),
        ("'<<'", "<<"),
        ("=", "="),
    ],
)
def test_words_mean_what_yaml_1_2_says(word, value):
    """A scalar is read by YAML 1.2's core schema: no yes and no, no times, no dates, no octal by a zero."""
    read = plain(compose(f"a: {word}\n", "job.yaml"))["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "job.yaml: the job file is empty\n  `ftorch init` writes one to begin with."),
        ("# nothing\n", "job.yaml: the job file is empty\n  `ftorch init` writes one to begin with."),
        (
            "a: 1\nb: 2\na: 3\n",
            'job.yaml:3:1: the key "a" stands twice in one mapping; it was first written at line 1, column 1',
        ),
        (
            "x: {b: 1, 'b': 2}",
            'job.yaml:1:11: the key "b" stands twice in one mapping; it was first written at line 1, column 5',
        ),
        ("a: 1\n---\nb: 2\n", "job.yaml:2:1: a second document begins here; a job file holds one job"),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            (
                "job.yaml:3:3: merge keys (<<) are not supported\n"
                "  Write the keys out; an alias may stand for a whole value."
            ),
        ),
        ("a: {1: b}", 'job.yaml:1:5: found the key 1, expected text; write it in quotes: "1"'),
        ("true: b", 'job.yaml:1:1: found the key true, expected text; write it in quotes: "true"'),
        ("~: b", 'job.yaml:1:1: found the key null, expected text; write it in quotes: "null"'),
        ("? [a]\n: b", "job.yaml:1:3: found a list or a mapping as a key, expected text"),
        ("a: &k x\n*k : b", "job.yaml:2:1: found an alias as a key, expected text"),
        (
            "a: *.jpg",
            (
                "job.yaml:1:5: this is not valid YAML: expected alphabetic or numeric character, but found '.' "
                "(while scanning an alias that begins at line 1)\n"
                "  Text that begins with one of * & ! % @ ` needs quotes."
            ),
        ),
        (
            "a: *x",
            "job.yaml:1:4: the alias *x has no anchor &x before it\n  Text that begins with * needs quotes.",
        ),
        ("a: &x [1, *x]", "job.yaml:1:11: the alias *x stands inside what it repeats"),
        (
            "a: !!python/object:os.system x",
            "job.yaml:1:4: the tag !!python/object:os.system is not allowed in a job file",
        ),
        ("a: !!binary aGk=", "job.yaml:1:4: the tag !!binary is not allowed in a job file"),
        ("a: !secret x", "job.yaml:1:4: the tag !secret is not allowed in a job file"),
        ("a: .inf", "job.yaml:1:4: .inf is not a finite number; write it as text, in quotes"),
        ("a: 1e999", "job.yaml:1:4: the number is too large"),
        ("a: " + "9" * 65, "job.yaml:1:4: the number has more than 64 digits"),
        ("a: b\n\x07", "job.yaml:2:1: found the control character U+0007"),
        ("a: \ud800", "job.yaml:1:4: found the control character U+D800"),
        (
            "a:\n\tb: c",
            (
                "job.yaml:2:1: this is not valid YAML: found character '\\t' that cannot start any token\n"
                "  The line is indented with a tab; YAML takes spaces only."
            ),
        ),
        (
            "a: b: c",
            (
                "job.yaml:1:5: this is not valid YAML: mapping values are not allowed here\n"
                "  Text that contains `: ` needs quotes."
            ),
        ),
        (
            "a: 1\nb: [1, 2\n",
            (
                "job.yaml:3:1: this is not valid YAML: expected ',' or ']', but got the end "
                "(while parsing a flow sequence that begins at line 2)"
            ),
        ),
        (
            "a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH,
            f"job.yaml:1:{3 + MAX_DEPTH}: nested more than {MAX_DEPTH} levels deep",
        ),
        ("a" * (MAX_BYTES + 1), "job.yaml: the text is longer than 1 MiB, the limit for a job file"),
        (
            "a: [" + "1," * 100_001 + "]",
            "job.yaml:1:199999: more than 100000 values, aliases counted each time",
        ),
    ],
)
def test_refusals(text, message):
    """What a job file may not hold is refused with its place."""
    assert message_of(text) == message


def test_billion_laughs():
    """Aliases of aliases are refused as soon as what they stand for is too much, without making it."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert message_of("\n".join(lines)) == "job.yaml:5:45: more than 100000 values, aliases counted each time"


def test_long_text_by_aliases():
    """Few aliases of one long text are refused, too."""
    text = f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 20)}]"
    assert message_of(text) == "job.yaml:2:33: more than 4 MiB of text, aliases counted each time"


def test_depth_by_aliases():
    """Shallow pieces that aliases make deep are refused, so that no later walk runs out of stack."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60)]
    assert message_of("\n".join(lines)) == "job.yaml:40:12: nested more than 40 levels deep by its aliases"


def test_aliases_are_values_of_their_own():
    """An alias repeats the value; what is read shares nothing."""
    data = plain(compose("a: &x [1, {b: c}]\nd: *x\n", "job.yaml"))
    assert data["a"] == data["d"] == [1, {"b": "c"}]
    assert data["a"] is not data["d"]
    assert data["a"][1] is not data["d"][1]


def test_places():
    """Every key and value knows its line and column, counted in characters from 1."""
    root = compose("ä: 1\nb:\n  - x\n  - {é: y, z: 1}\n", "job.yaml")
    assert locate(root, ("ä",)) == Place("job.yaml", 1, 4)
    assert locate(root, ("ä",), key=True) == Place("job.yaml", 1, 1)
    assert locate(root, ("b", 1, "z")) == Place("job.yaml", 4, 15)
    assert locate(root, ("b", 1, "z"), key=True) == Place("job.yaml", 4, 12)
    assert locate(root, ("b", 7, "q")) == Place("job.yaml", 3, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"a: b\nname: caf\xe9\n",
            "job.yaml:2:10: found the byte 0xe9, which is not UTF-8\n  Save the file as UTF-8.",
        ),
        (
            b"\xff\xfea\x00",
            "job.yaml:1:1: found the byte 0xff, which is not UTF-8\n  Save the file as UTF-8.",
        ),
        (b"x" * (MAX_BYTES + 1), "job.yaml: the file is larger than 1 MiB, the limit for a job file"),
    ],
)
def test_bytes_that_are_no_text(data, message):
    """A file that is not UTF-8, or too long, is refused with its place."""
    with pytest.raises(JobFileError) as caught:
        decode(data, "job.yaml")
    assert str(caught.value) == message


def test_byte_order_mark():
    """A byte order mark is passed over, and moves no column."""
    text = decode(b"\xef\xbb\xbfa: 1\n", "job.yaml")
    assert locate(compose(text, "job.yaml"), ("a",), key=True) == Place("job.yaml", 1, 1)


@pytest.mark.parametrize("size", [10, 1 << 18])
def test_a_mistake_in_a_long_text(size):
    """However long the text is, the mistake is told with its place."""
    assert message_of("a: 1\n" + "# more\n" * (size // 7) + "b: [1, 2\n").startswith(
        f"job.yaml:{size // 7 + 3}:1: this is not valid YAML: "
    )


def test_without_libyaml(monkeypatch):
    """A PyYAML that was built without libyaml reads the same and tells the same mistakes."""
    texts = ["a: *.jpg", "a: b: c", "a:\n\tb: c", 'a: "\\q"', "a: {b", "a: &"]
    told = [message_of(text) for text in texts]
    monkeypatch.setattr(yaml_source, "_LOADER", yaml.SafeLoader)
    assert [message_of(text) for text in texts] == told
    assert plain(compose("a: [1, {b: c}]", "job.yaml")) == {"a": [1, {"b": "c"}]}
