"""Text by a template, and checksum files that the real checkers accept."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.errors import OutputError
from orchestrator.outputs.text import TextEncoder

CHECKSUMS = "{result}  {key}"
NAMES = st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name and b"/" not in name)
ODD_NAMES = {
    b"plain",
    b"a\nb",
    b"a\\b",
    b"a\\nb",
    b"a\rb",
    b"caf\xe9",
    b" lead",
    b"trail ",
    b"-",
    b"--",
    b"*x",
    b"#y",
}


def gnu_sha256sum() -> tuple[int, ...]:
    """The version of GNU sha256sum, or nothing."""
    if shutil.which("sha256sum") is None:
        return ()
    shown = subprocess.run(["sha256sum", "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"sha256sum \(GNU coreutils\) (\d+)\.(\d+)", shown)
    return tuple(map(int, match.groups())) if match else ()


needs_gnu = pytest.mark.skipif(gnu_sha256sum() < (9, 0), reason="GNU coreutils 9.0 or newer is not here")


def checksum_file(names: list[bytes]) -> bytes:
    """The job's output for files that hold their own names."""
    digests = [hashlib.sha256(name).hexdigest() for name in names]
    return TextEncoder(CHECKSUMS, gnu=True).encode(list(map(os.fsdecode, names)), digests)


def write_files(folder: bytes, names: list[bytes]) -> None:
    """Files that hold their own names."""
    for name in names:
        Path(os.fsdecode(folder), os.fsdecode(name)).write_bytes(name)


@needs_gnu
@settings(max_examples=20)
@given(st.sets(NAMES.filter(lambda name: name not in {b".", b".."}), min_size=1))
@example(ODD_NAMES)
def test_checker_accepts(names):
    """`sha256sum -c` finds every file of the checksum file and its content right, whatever its name."""
    with tempfile.TemporaryDirectory() as made:
        folder = os.fsencode(made)
        write_files(folder, sorted(names))
        body = checksum_file(sorted(names))
        command = ["sha256sum", "--check", "--strict", "--quiet", "/dev/fd/0"]
        done = subprocess.run(command, input=body, cwd=folder, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@needs_gnu
def test_same_bytes_as_the_tool(tmp_path):
    """The checksum file is byte for byte the one that sha256sum itself writes."""
    names = sorted(ODD_NAMES - {b"-"})
    write_files(os.fsencode(tmp_path), names)
    done = subprocess.run(["sha256sum", "--", *names], cwd=tmp_path, capture_output=True, check=True)
    assert checksum_file(names) == done.stdout


def test_checker_finds_a_wrong_file(tmp_path):
    """The check is one that can fail: a file with another content is found."""
    (tmp_path / "a\nb").write_bytes(b"other")
    done = subprocess.run(
        ["sha256sum", "-c", "/dev/fd/0"],
        input=checksum_file([b"a\nb"]),
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1


@given(st.lists(st.tuples(st.text("ab\\{}", max_size=4), st.integers() | st.text("xy")), max_size=6))
def test_one_line_each(records):
    """Each record is the template with its key and result put in, and a newline."""
    body = TextEncoder("<{result}> {{{key}}}", gnu=False).encode([k for k, _ in records], [r for _, r in records])
    assert body.decode() == "".join(f"<{result}> {{{key}}}\n" for key, result in records)


def test_parts_of_a_result():
    """A dict's values, a tuple's fields and format specifications can be put in."""
    encoder = TextEncoder("{key:>3}: {result[mean]:.2f}", gnu=False)
    assert encoder.encode([7], [{"mean": 0.125}]) == b"  7: 0.12\n"
    assert TextEncoder("{result[1]},{result[0]}", gnu=False).encode([], [(1, 2)]) == b"2,1\n"


def test_keys_are_asked_for_only_where_used():
    """A template without the key needs none."""
    assert TextEncoder("{result}", gnu=True).needs_keys is False
    assert TextEncoder(CHECKSUMS, gnu=False).needs_keys is True


def test_odd_bytes_stay():
    """The bytes of a file's name that are not UTF-8 are written as they are."""
    assert TextEncoder("{key}", gnu=False).encode(["caf\udce9"], [0]) == b"caf\xe9\n"
    with pytest.raises(ValueError, match="lone surrogate"):
        TextEncoder("{result}", gnu=False).encode([], ["\ud800"])


@pytest.mark.parametrize("gnu", [True, False])
def test_newline_in_a_result(gnu):
    """A result with a newline is refused where a record is one line."""
    with pytest.raises(ValueError, match="the result holds a newline"):
        TextEncoder(CHECKSUMS, gnu).encode(["a", "b"], ["x", "y\nz"])


def test_newline_in_a_key():
    """A key with a newline is refused where it is not escaped, and the message says how to escape it."""
    with pytest.raises(ValueError, match=r"output\.escape: gnu"):
        TextEncoder(CHECKSUMS, gnu=False).encode(["a\nb"], ["x"])


def test_template_of_several_lines():
    """A template of several lines takes such results; one newline at its end is the record's own."""
    assert TextEncoder("{key}\n{result}\n", gnu=False).encode(["a"], ["x\ny"]) == b"a\nx\ny\n"
    assert TextEncoder("{result}\n", gnu=False).encode([], ["x"]) == b"x\n"


@pytest.mark.parametrize("result", [b"x", bytearray(b"x"), memoryview(b"x")])
def test_bytes(result):
    """Bytes are refused: their text would be Python's, not theirs."""
    with pytest.raises(TypeError, match="bytes"):
        TextEncoder("{result}", gnu=False).encode([], [result])


def test_missing_part():
    """A result without the part that the template wants is refused, and the message names the part."""
    with pytest.raises(ValueError, match="no 'mean'"):
        TextEncoder("{result[mean]}", gnu=False).encode([], [{"sum": 1}])
    with pytest.raises(ValueError, match="no 2"):
        TextEncoder("{result[2]}", gnu=False).encode([], [(1, 2)])
    with pytest.raises(TypeError, match="of type int"):
        TextEncoder("{result[mean]}", gnu=False).encode([], [1])


@pytest.mark.parametrize(
    "template",
    ["{", "}", "{other}", "{}", "{0}", "{key!r}", "{key[0]}", "{result.x}", "{result:{key}}", "{result[}"],
)
def test_wrong_template(template):
    """A template with another field, or with a brace alone, is refused before anything runs."""
    with pytest.raises(OutputError) as error:
        TextEncoder(template, gnu=False)
    assert error.value.where == "output.template"
    assert error.value.hint
