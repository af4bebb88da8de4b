"""Lines of text files, against Python's own reading of the same bytes."""

import gzip
import io
import os
import tempfile
from compression import zstd
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import InputError
from orchestrator.inputs import blocks, newlines, text
from orchestrator.inputs.base import Piece
from orchestrator.spec.model import LinesInput
from tests.inputs.reading import read, source_of, unhurried

ODD = [
    b"\n",
    b"\r",
    b"\r\n",
    b"a",
    b"bc",
    b"\x0b\x0c\x1c",
    "é\x85\u2028".encode(),
    "漢😀".encode(),
    b"\xff",
    b"",
]
CONTENT = st.lists(st.sampled_from(ODD), max_size=40).map(b"".join)
CUTS = st.lists(st.integers(min_value=0, max_value=500), max_size=8)


def offsets(content: bytes) -> list[int]:
    """Where each line begins, by the definition: at 0, and after every LF, CRLF and lone CR."""
    found = [0] if content else []
    for at in range(1, len(content)):
        before, here = content[at - 1 : at], content[at : at + 1]
        if before == b"\n" or (before == b"\r" and here != b"\n"):
            found.append(at)
    return found


def lines(base: Path, path="in.txt", **options):
    """The source under test."""
    return source_of(base, lines=LinesInput(path=path, **options))


@unhurried
@given(st.lists(CONTENT, min_size=1, max_size=3), CUTS)
def test_bytes_at_any_cut(contents, cuts):
    """Wherever the axis is cut, every line is read once, in order, under the offset it begins at."""
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{number}.txt" for number in range(len(contents))]
        for name, content in zip(names, contents, strict=True):
            Path(folder, name).write_bytes(content)
        seen = read(lines(Path(folder), names, encoding="bytes"), cuts)
    assert seen.values == [line for content in contents for line in content.splitlines()]
    starts = [f"{n}@{o}" for n, content in zip(names, contents, strict=True) for o in offsets(content)]
    assert seen.keys == starts


@unhurried
@given(CONTENT.map(lambda content: content.replace(b"\xff", b"")), CUTS)
def test_text_is_what_python_reads(content, cuts):
    """UTF-8 lines are those of a text file with universal newlines; U+2028 ends no line."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.txt").write_bytes(content)
        seen = read(lines(Path(folder)), cuts)
    assert seen.values == [line.removesuffix("\n") for line in io.TextIOWrapper(io.BytesIO(content), "utf-8")]
    assert not seen.bad


@unhurried
@given(CONTENT, CUTS)
def test_bad_lines_are_set_aside(content, cuts):
    """A line that is not UTF-8 is unreadable, under its own key and in its place; the others are items."""
    good, bad = [], []
    for start, line in zip(offsets(content), content.splitlines(), strict=True):
        try:
            good.append((f"in.txt@{start}", line.decode()))
        except UnicodeDecodeError:
            bad.append((f"in.txt@{start}", len(good), UnicodeDecodeError))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.txt").write_bytes(content)
        seen = read(lines(Path(folder)), cuts)
    assert (seen.items, seen.bad) == (good, bad)


@unhurried
@given(CONTENT, CUTS)
def test_latin_1(content, cuts):
    """Every byte is a latin-1 character, and NEL (0x85) ends no line."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.txt").write_bytes(content)
        seen = read(lines(Path(folder), encoding="latin-1"), cuts)
    assert seen.values == [line.decode("latin-1") for line in content.splitlines()]


@unhurried
@given(st.lists(CONTENT, min_size=1, max_size=3), st.sampled_from(["gz", "zst"]), CUTS)
def test_compressed_is_the_same(contents, suffix, cuts):
    """A compressed file of several members gives the lines and keys of the file it was made from."""
    pack = gzip.compress if suffix == "gz" else zstd.compress
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a").write_bytes(b"".join(contents))
        Path(folder, f"a.{suffix}").write_bytes(b"".join(map(pack, contents)))
        plain = read(lines(Path(folder), "a"), cuts)
        packed = read(lines(Path(folder), f"a.{suffix}"), cuts)
    assert packed.values == plain.values
    assert [key.replace(f".{suffix}", "") for key in packed.keys] == plain.keys


@unhurried
@given(CONTENT, st.integers(min_value=1, max_value=7))
def test_stream_blocks_end_with_lines(content, step):
    """A stream cut into blocks loses nothing, and no cut falls inside a line or a CRLF."""
    stream = io.BytesIO(content)
    found = list(newlines.line_blocks(stream.read, step))
    assert b"".join(data for _, data in found) == content
    assert {offset for offset, _ in found} <= set(offsets(content))


@unhurried
@given(CONTENT, st.integers(min_value=1, max_value=9), st.integers(0, 99), st.integers(0, 99))
def test_spans_join(content, step, a, b):
    """The spans of an interval follow on each other, begin at lines, and hold the lines that begin in it."""
    lo, hi = sorted((a % (len(content) + 1), b % (len(content) + 1)))
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        spans = list(newlines.line_spans(file.fileno(), lo, hi, len(content), step))
    expected = [at for at in offsets(content) if lo <= at < hi]
    assert [at for start, end in spans for at in offsets(content) if start <= at < end] == expected
    assert all(start in expected for start, _ in spans)
    assert all(end == start for (_, end), (start, _) in pairwise(spans))


def test_newline_on_a_window_edge(tmp_path):
    """A CRLF that straddles the edge of a read is one newline, and a line longer than many reads is one."""
    for size in (4093, 4094, 4095, 4096, 4097, 20479, 20480, 20481, 3 << 20):
        content = b"x" * size + b"\r\n" + b"y"
        (tmp_path / "in.txt").write_bytes(content)
        for cut in (1, size - 1, size, size + 1, size + 2):
            seen = read(lines(tmp_path, encoding="bytes"), [cut])
            assert seen.items == [("in.txt@0", b"x" * size), (f"in.txt@{size + 2}", b"y")]


def test_line_longer_than_a_block_in_a_stream(tmp_path):
    """A compressed line of several blocks is one line."""
    long = b"x" * (3 * blocks.TARGET + 5)
    (tmp_path / "in.gz").write_bytes(gzip.compress(b"a\n" + long + b"\r\nb"))
    assert read(lines(tmp_path, "in.gz", encoding="bytes")).values == [b"a", long, b"b"]


def test_byte_order_mark(tmp_path):
    """A byte order mark at the beginning of a UTF-8 file is dropped; alone it is no line."""
    mark = b"\xef\xbb\xbf"
    (tmp_path / "in.txt").write_bytes(mark + b"a\n" + mark + b"b\n")
    assert read(lines(tmp_path), [1, 3, 4]).items == [("in.txt@3", "a"), ("in.txt@5", "\ufeffb")]
    assert read(lines(tmp_path, encoding="bytes")).values == [mark + b"a", mark + b"b"]
    (tmp_path / "in.txt").write_bytes(mark)
    assert read(lines(tmp_path)).items == []


def test_small_files_share_a_batch(tmp_path):
    """A thousand small files are read in one batch, with the keys of each."""
    for number in range(1000):
        (tmp_path / f"{number:04}.txt").write_text(f"{number}\n\n")
    source = lines(tmp_path, "*.txt")
    [batch] = source.reader().read([Piece(e, 0, e.units) for e in source.entries()])
    assert batch.values[-2:] == ["999", ""]
    assert batch.keys()[-2:] == ["0999.txt@0", "0999.txt@4"]
    assert batch.nbytes == sum(e.size for e in source.entries())


def test_large_pieces_come_in_batches(tmp_path):
    """A piece larger than a batch comes in several, none much larger than the target."""
    (tmp_path / "in.txt").write_bytes(b"0123456789abcde\n" * 200_000)
    source = lines(tmp_path)
    [entry] = source.entries()
    sizes = [batch.nbytes for batch in source.reader().read([Piece(entry, 0, entry.units)])]
    assert sum(sizes) == entry.size
    assert len(sizes) > 1
    assert max(sizes) <= blocks.TARGET + 16


def test_bad_lines_of_several_blocks_keep_their_places(tmp_path):
    """Joining batches moves each unreadable line's position behind the good lines before it."""
    (tmp_path / "a").write_bytes(b"1\n\xff\n2\n")
    (tmp_path / "b").write_bytes(b"\xff\n3\n\xff")
    seen = read(lines(tmp_path, ["a", "b"]))
    assert seen.values == ["1", "2", "3"]
    assert [(key, before) for key, before, _ in seen.bad] == [("a@2", 1), ("b@0", 2), ("b@4", 3)]


def test_compression_by_first_bytes_and_by_word(tmp_path):
    """Without a telling suffix the first bytes decide; `compression: none` reads the raw bytes."""
    (tmp_path / "log").write_bytes(gzip.compress(b"a\nb\n"))
    (tmp_path / "log2").write_bytes(zstd.compress(b"c\n"))
    assert read(lines(tmp_path, ["log", "log2"])).values == ["a", "b", "c"]
    raw = read(lines(tmp_path, "log", compression="none", encoding="bytes"))
    assert raw.values == (tmp_path / "log").read_bytes().splitlines()
    assert read(lines(tmp_path, "log", compression="gzip")).values == ["a", "b"]


def test_a_compressed_file_can_be_read_again(tmp_path):
    """A reader that reads the same compressed file twice begins at its beginning each time."""
    (tmp_path / "in.gz").write_bytes(gzip.compress(b"a\nb\n"))
    source = lines(tmp_path, "in.gz")
    [entry] = source.entries()
    reader = source.reader()
    for _ in range(2):
        [batch] = reader.read([Piece(entry, 0, entry.units)])
        assert batch.values == ["a", "b"]
    reader.close()


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
@pytest.mark.parametrize("damage", ["cut", "flip", "junk"])
def test_damaged_streams_name_the_file(tmp_path, pack, damage):
    """A compressed file that is cut off, corrupt or followed by junk is an OSError that names it."""
    data = pack(os.urandom(5000) + b"\n")
    middle = len(data) // 2
    broken = {
        "cut": data[:-5],
        "flip": data[:middle] + bytes([data[middle] ^ 0xFF]) * 9 + data[middle + 9 :],
        "junk": data + b"junk",
    }[damage]
    if damage == "flip" and pack is zstd.compress:
        options = {zstd.CompressionParameter.checksum_flag: 1}
        data = zstd.compress(os.urandom(5000), options=options)
        broken = data[:2000] + b"\0" * 9 + data[2009:]
    (tmp_path / "in.dat").write_bytes(broken)
    with pytest.raises(OSError, match=r"gzip|zstd") as caught:
        read(lines(tmp_path, "in.dat", encoding="bytes"))
    assert caught.value.filename == str(tmp_path / "in.dat")


def test_not_what_its_name_says(tmp_path):
    """A file that is called .gz but is not gzip is refused when the run is planned."""
    (tmp_path / "in.gz").write_text("plain\n")
    with pytest.raises(InputError, match="is not gzip data") as caught:
        list(lines(tmp_path, "in.gz").entries())
    assert "compression: none" in caught.value.hint
    assert read(lines(tmp_path, "in.gz", compression="none")).values == ["plain"]


@pytest.mark.parametrize("change", ["longer", "shorter", "touched", "gone", "folder"])
def test_changed_since_planned(tmp_path, change):
    """A file that is not the planned one any more is refused, one that is gone is an OSError."""
    file = tmp_path / "in.txt"
    file.write_text("a\nb\n")
    source = lines(tmp_path)
    [entry] = source.entries()
    if change == "touched":
        os.utime(file, ns=(1, 1))
    elif change == "gone":
        file.unlink()
    elif change == "folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_text("a\nb\nc\n" if change == "longer" else "a\n")
    with pytest.raises(FileNotFoundError if change == "gone" else InputError, match=r"changed|No such file"):
        list(source.reader().read([Piece(entry, 0, entry.units)]))


def test_cut_short_while_open(tmp_path):
    """A file that becomes shorter while a reader has it open is noticed."""
    file = tmp_path / "in.txt"
    file.write_text("a\nb\nc\n")
    source = lines(tmp_path)
    [entry] = source.entries()
    reader = source.reader()
    list(reader.read([Piece(entry, 0, 2)]))
    os.truncate(file, 3)
    with pytest.raises(InputError, match="shorter"):
        list(reader.read([Piece(entry, 2, 6)]))
    reader.close()


def test_readers_in_threads_do_not_meet(tmp_path):
    """Readers of one source in several threads give what one reader gives."""
    from concurrent.futures import ThreadPoolExecutor

    (tmp_path / "in.txt").write_bytes(b"".join(b"%d\n" % n for n in range(50_000)))
    source = lines(tmp_path)
    [entry] = source.entries()
    edges = [entry.size * n // 40 for n in range(41)]

    def part(lo: int, hi: int) -> list[str]:
        reader = source.reader()
        values = [v for batch in reader.read([Piece(entry, lo, hi)]) for v in batch.values]
        reader.close()
        return values

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(part, edges, edges[1:]))
    assert [v for values in parts for v in values] == [str(n) for n in range(50_000)]


def test_unreadable_keeps_no_block(tmp_path):
    """The error of a bad line carries no traceback, which would keep its whole block in memory."""
    block = blocks.Block("a", 0, b"\xff\n")
    [bad] = text.parse_text("utf-8", block).unreadable
    assert bad.error.__traceback__ is None
