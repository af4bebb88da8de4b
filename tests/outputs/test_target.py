"""Where results go, and what is refused before anything runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import OutputError
from orchestrator.outputs.target import Target, check_output, target_of
from orchestrator.spec.model import Output


def everything_below(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder, and what the files hold."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def refused(output: Output, format_: str, base: Path) -> OutputError:
    """The error of an output that is refused; nothing may have changed."""
    before = everything_below(base)
    with pytest.raises(OutputError) as error:
        check_output(output, format_, base, "job")
    assert everything_below(base) == before
    assert error.value.where == "output.path"
    assert error.value.hint
    return error.value


@pytest.mark.parametrize(
    ("format_", "path"),
    [
        ("jsonl", "out/job.jsonl"),
        ("csv", "out/job.csv"),
        ("text", "out/job.txt"),
        ("json", "out/job.json"),
        ("tree", "out/job"),
    ],
)
def test_default_path(tmp_path, format_, path):
    """Without a path the results go to `out`, under the job's name; nothing is made yet."""
    target = check_output(Output(), format_, tmp_path, "job")
    assert target == Target(tmp_path / path, format_, False, False)
    assert everything_below(tmp_path) == {}


def test_folder_of_parts(tmp_path):
    """A path that ends with a slash is a folder of parts; a tree's is a folder of its own kind."""
    assert target_of(Output(path="a/"), "csv", tmp_path, "job").parts
    assert not target_of(Output(path="a/"), "tree", tmp_path, "job").parts
    assert not target_of(Output(path="a"), "text", tmp_path, "job").parts


def test_absolute_path(tmp_path):
    """An absolute path does not start from the job's folder."""
    path = tmp_path / "x.csv"
    assert check_output(Output(path=str(path)), "csv", tmp_path / "elsewhere", "job").path == path


def test_output_exists(tmp_path):
    """A file that is there is refused unless it is to be overwritten, and stays as it was either way."""
    (tmp_path / "x.csv").write_text("precious")
    assert "is there already" in refused(Output(path="x.csv"), "csv", tmp_path).message
    assert check_output(Output(path="x.csv", overwrite=True), "csv", tmp_path, "job").overwrite
    assert (tmp_path / "x.csv").read_text() == "precious"


@pytest.mark.parametrize(("format_", "path"), [("tree", "d"), ("jsonl", "d/")])
def test_folder_exists(tmp_path, format_, path):
    """A folder that is there is refused unless it is empty or to be overwritten."""
    (tmp_path / "d").mkdir()
    assert check_output(Output(path=path), format_, tmp_path, "job")
    (tmp_path / "d" / "part-00000.jsonl").write_text("x")
    assert "is there already" in refused(Output(path=path), format_, tmp_path).message
    assert check_output(Output(path=path, overwrite=True), format_, tmp_path, "job")


def test_folder_of_other_things(tmp_path):
    """A folder with other files than parts is never replaced by parts, whatever the job says."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "thesis.tex").write_text("x")
    assert "'thesis.tex'" in refused(Output(path="d/", overwrite=True), "jsonl", tmp_path).message


def test_folder_where_a_file_is_meant(tmp_path):
    """A folder where a file is to be written is refused, and the hint says how to get parts."""
    (tmp_path / "d").mkdir()
    assert f"{tmp_path}/d/" in str(refused(Output(path="d", overwrite=True), "csv", tmp_path).hint)


@pytest.mark.parametrize(("format_", "path"), [("tree", "f"), ("jsonl", "f/")])
def test_file_where_a_folder_is_meant(tmp_path, format_, path):
    """A file where a folder is to be written is refused."""
    (tmp_path / "f").touch()
    assert "a folder is to be written" in refused(Output(path=path, overwrite=True), format_, tmp_path).message


@pytest.mark.parametrize("path", ["f/x.csv", "f/a/b/x.csv"])
def test_parent_is_a_file(tmp_path, path):
    """A path below a file is refused, and the file is named."""
    (tmp_path / "f").touch()
    assert refused(Output(path=path), "csv", tmp_path).message.startswith(f"{tmp_path / 'f'} is a file")


def test_special_file(tmp_path):
    """A pipe, a device and a dangling link are no places for a file that is put there whole."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(OutputError, match="no regular file"):
            check_output(Output(path=str(path), overwrite=True), "text", tmp_path, "job")


def test_symbolic_link(tmp_path):
    """A link to a file stands for that file, so the link survives when the file is replaced."""
    (tmp_path / "real.csv").write_text("x")
    (tmp_path / "link.csv").symlink_to("real.csv")
    refused(Output(path="link.csv"), "csv", tmp_path)
    target = check_output(Output(path="link.csv", overwrite=True), "csv", tmp_path, "job")
    assert target.path == tmp_path / "real.csv"


def test_symbolic_link_to_itself(tmp_path):
    """A link that leads to itself is an error like any other."""
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    refused(Output(path="loop.csv"), "csv", tmp_path)
    refused(Output(path="loop.csv/x.csv"), "csv", tmp_path)


def test_name_too_long(tmp_path):
    """A name that the file system cannot hold is refused before anything runs."""
    assert "too long" in refused(Output(path="x" * 300), "text", tmp_path).message


@pytest.mark.parametrize(("format_", "path"), [("csv", "a/x.csv"), ("tree", "a"), ("csv", "a/")])
def test_read_only_disk(read_only_disk, format_, path):
    """A read-only file system is found by trying, and the hint says what it is."""
    assert "read-only" in str(refused(Output(path=path), format_, read_only_disk).hint)


TRIES = """
import os, sys
from pathlib import Path
from orchestrator.errors import OutputError
from orchestrator.outputs.target import check_output
from orchestrator.spec.model import Output
if os.geteuid() == 0:
    os.setuid(65534)
try:
    check_output(Output(path=sys.argv[1]), "csv", Path("/"), "job")
except OutputError as error:
    print(error)
"""


def test_no_right_to_write(tmp_path):
    """A folder in which this user may not write is refused, and the hint says so."""
    for folder in (tmp_path.parent.parent, tmp_path.parent):
        folder.chmod(0o755)
    tmp_path.chmod(0o555)
    command = [sys.executable, "-c", TRIES, str(tmp_path / "x.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "cannot be written: Permission denied" in done.stdout, done.stderr
    assert "This user may not write there" in done.stdout


def test_format_none(tmp_path):
    """Where nothing is written, nothing is checked."""
    (tmp_path / "f").touch()
    assert check_output(Output(path="f/x"), "none", tmp_path, "job").format == "none"
