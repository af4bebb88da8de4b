"""The job file's data side: where the items come from and where the results go."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from orchestrator.spec.units import Size


class Frozen(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=False):
    """What every part of a job has in common: immutable, and no unknown key."""


class FilesInput(Frozen, frozen=True):
    """Every regular file below `root` is one item, in a stable order: folder by folder, names by bytes.

    Attributes:
        root: The folder, relative to the job file.
        include: Globs below the root; a file that matches one is an item. `**` is any number of folders.
        exclude: Globs below the root; a file or folder that matches one is left out.
        symlinks: Pass links over, follow those that stay inside the root, or follow all.
    """

    root: str
    include: list[str] = field(default_factory=lambda: ["**"])
    exclude: list[str] = field(default_factory=list)
    symlinks: Literal["skip", "inside", "follow"] = "skip"


class ObjectsInput(Frozen, frozen=True):
    """Every object below `url` is one item, in the order of their keys; they are downloaded ahead of the task.

    Attributes:
        url: s3://bucket/prefix, gs://, az://, file:///folder, or http(s)://host/path.
        include: Globs below the prefix; an object that matches one is an item. `**` is any number of folders.
            Without a wildcard it names one object, which is all that servers without listings can do.
        exclude: Globs below the prefix; an object that matches one is left out.
    """

    url: str
    include: list[str] = field(default_factory=lambda: ["**"])
    exclude: list[str] = field(default_factory=list)


class LinesInput(Frozen, frozen=True):
    """Every line of the text files is one item, without its newline (LF, CRLF or CR).

    Attributes:
        path: The file or files, relative to the job file.
        encoding: How the bytes are decoded; `bytes` gives the task the bytes themselves.
        compression: `auto` goes by the suffix: .gz, .zst.
    """

    path: str | list[str]
    encoding: Literal["utf-8", "latin-1", "bytes"] = "utf-8"
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"


class JsonlInput(Frozen, frozen=True):
    """Every line of the JSON Lines files is one item: the decoded value. Blank lines are passed over.

    Attributes:
        path: The file or files, relative to the job file.
        compression: `auto` goes by the suffix: .gz, .zst.
    """

    path: str | list[str]
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"


class CsvInput(Frozen, frozen=True):
    """Every record of the CSV files is one item: a dict of its fields by the names in the header row.

    Attributes:
        path: The file or files, relative to the job file.
        delimiter: What separates the fields: one character.
        columns: The names of the fields, where the files have no header row.
        encoding: How the bytes are decoded.
        compression: `auto` goes by the suffix: .gz, .zst.
    """

    path: str | list[str]
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    columns: list[str] | None = None
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    compression: Literal["auto", "none", "gzip", "zstd"] = "auto"


class RangeInput(Frozen, frozen=True):
    """The integers start, start + step, … below stop, as Python's range has them.

    Attributes:
        stop: The first integer that is not in the range.
        start: The first integer.
        step: What is added each time; negative to count down, never 0.
    """

    stop: int
    start: int = 0
    step: int = 1


class Input(Frozen, frozen=True):
    """Where the items come from: exactly one of the kinds.

    Attributes:
        files: A folder of files; the task gets each one's path.
        objects: Objects of a bucket; the task gets each one, downloaded.
        lines: Lines of text files.
        jsonl: Records of JSON Lines files.
        csv: Records of CSV files.
        range: A range of integers.
    """

    files: FilesInput | None = None
    objects: ObjectsInput | None = None
    lines: LinesInput | None = None
    jsonl: JsonlInput | None = None
    csv: CsvInput | None = None
    range: RangeInput | None = None


class Output(Frozen, frozen=True):
    """Where the results go, and how they are written.

    Attributes:
        path: One file, a folder of parts (ends in `/`), or a tree's root; none keeps results in the run. Or a URL:
            s3://bucket/key.
        format: `auto` goes by the suffix; `tree` is a file an item, `json` a fold's value, `none` nothing.
        order: As the input has them, or as they get done.
        keys: Whether a JSON Lines or CSV record names its item.
        template: A line of text: `{result}`, `{result[name]}`, `{key}`.
        escape: `gnu` escapes newlines and backslashes in keys as the coreutils' checksum tools do.
        columns: The CSV columns, in order; by default those of the first result.
        name: A tree's file names: `{key}`, `{stem}`, `{suffix}`, `{parent}`.
        part_size: How large a part grows before the next begins. Parts are cut between records; where a text
            template has several lines, there is one part.
        overwrite: Whether an output that exists may be replaced.
    """

    path: str | None = None
    format: Literal["auto", "jsonl", "csv", "text", "tree", "json", "none"] = "auto"
    order: Literal["input", "finished"] = "input"
    keys: bool = True
    template: str = "{result}"
    escape: Literal["none", "gnu"] = "none"
    columns: list[str] | None = None
    name: str = "{key}"
    part_size: Size = field(default_factory=lambda: Size(256 << 20))
    overwrite: bool = False
