"""What is installed: distributions, what they need, and their shared objects, read from their own metadata.

Only what lies on this machine is read: dist-info folders (PyPA's "Recording installed projects"), and for editable
installs the folders they point to. `importlib.metadata` reads the same, but takes 30 ms to be imported and parses files
that are not asked about here; `ftorch submit` has no time for that.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import msgspec
from msgspec import Struct

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_NATIVE = (".so", ".pyd", ".dylib", ".dll")
_NATIVE_LINE = re.compile(r"""^"?([^,"\n]+\.(?:so|pyd|dylib|dll))"?,""", re.MULTILINE)
_TOP = re.compile(r"""^"?([^./,"\n][^./,"\n]*)[./]""", re.MULTILINE)
_LINK = re.compile(r"^([^/,\n]+\.pth),", re.MULTILINE)
_FINDER = re.compile(r"^(__editable___[^/,\n]+_finder\.py),", re.MULTILINE)
_MAPPING = re.compile(r"^MAPPING[^=]*= (\{.*\})$", re.MULTILINE)
_MOST_FILES = 20_000


def normalised(name: str) -> str:
    """A distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Need(Struct, frozen=True):
    """A distribution that another one requires; `extra` where only that extra of it does, else ""."""

    name: str
    extra: str


class Distribution:
    """An installed distribution; everything about it but its name is read when it is asked for.

    Attributes:
        name, version: as its metadata has them, or else its folder.
        folder: what the names of its files are relative to.
    """

    def __init__(self, information: Path) -> None:
        self._information = information
        self.folder = information.parent
        self.name, _, self.version = information.name.removesuffix(".dist-info").partition("-")

    @cached_property
    def needs(self) -> tuple[Need, ...]:
        """What it requires, the requirements of its extras included."""
        found: dict[Need, None] = {}
        header = self._text("METADATA").partition("\n\n")[0]
        for line in header.split("\n"):
            if not line.startswith("Requires-Dist:"):
                continue
            name = _NAME.search(line, len("Requires-Dist:"))
            extra = _EXTRA.search(line)
            if name:
                found[Need(normalised(name[0]), extra[1] if extra else "")] = None
        return tuple(found)

    @cached_property
    def source(self) -> Path | None:
        """The folder that an editable install points to."""
        url = _editable_url(self._text("direct_url.json"))
        if url is None:
            return None
        from urllib.parse import unquote, urlsplit

        return Path(unquote(urlsplit(url).path))

    @cached_property
    def modules(self) -> frozenset[str]:
        """The top-level modules and packages that it brings."""
        tops = set(_TOP.findall(self._record)) | set(self._mapped)
        for folder in self._linked:
            tops |= {name.partition(".")[0] for name in os.listdir(folder)}
        return frozenset(top for top in tops if top.isidentifier())

    def has(self, module: str) -> bool:
        """Whether it has that module or package, by its full name; namespace packages are shared by several."""
        path = module.replace(".", "/")
        if any(f"\n{path}{end}" in self._record for end in "/."):
            return True
        return self.source is not None and module.partition(".")[0] in self.modules

    def shared_objects(self) -> Iterator[tuple[Path, str]]:
        """Its native files, and the full name of the module that each would be."""
        for name in _NATIVE_LINE.findall(self._record):
            yield self.folder / name, module_name(name)
        if self.source is None:
            return
        for folder in self._linked | {Path(path).parent for path in self._mapped.values()} or {self.source}:
            for path in _native_below(folder):
                yield path, module_name(path.relative_to(folder).as_posix())

    @cached_property
    def _record(self) -> str:
        """The names of its files, each after a newline."""
        return "\n" + self._text("RECORD")

    @cached_property
    def _linked(self) -> set[Path]:
        """The folders that its path files put on `sys.path`."""
        lines = [line for name in _LINK.findall(self._record) for line in _text(self.folder / name).splitlines()]
        return {Path(line) for line in lines if line[:1] == "/" and os.path.isdir(line)}

    @cached_property
    def _mapped(self) -> Mapping[str, str]:
        """Modules by their path, as setuptools' finder of an editable install maps them."""
        for name in _FINDER.findall(self._record):
            match = _MAPPING.search(_text(self.folder / name))
            if match:
                from ast import literal_eval

                mapping: dict[str, str] = literal_eval(match[1])
                return mapping
        return {}

    def _text(self, name: str) -> str:
        return _text(self._information / name)


class Environment:
    """The distributions that can be imported from some folders, by normalised name; of several, the first counts."""

    def __init__(self, paths: Sequence[str] | None = None) -> None:
        self.distributions: dict[str, Distribution] = {}
        for folder in sys.path if paths is None else paths:
            for name in _listed(folder or os.curdir):
                if name.endswith(".dist-info"):
                    found = Distribution(Path(folder or os.curdir, name))
                    self.distributions.setdefault(normalised(found.name), found)

    def of_module(self, module: str) -> list[Distribution]:
        """The distributions that bring a module, by its full name; several share a namespace package."""
        top = module.partition(".")[0]
        guess = self.distributions.get(normalised(top))
        if guess is not None and guess.has(top):
            return [guess]
        sharing = [one for one in self.distributions.values() if one.has(top)]
        while "." in module and len(sharing) > 1:
            found = [one for one in sharing if one.has(module)]
            if found:
                return found
            module = module.rpartition(".")[0]
        return sharing

    @cached_property
    def owners(self) -> Mapping[str, Distribution]:
        """The distribution of each shared object, by its real path."""
        return {os.path.realpath(path): one for one in self.distributions.values() for path, _ in one.shared_objects()}


def module_name(path: str) -> str:
    """The full name of the module that a file would be: "scipy/linalg/_x.cpython-314t-….so" is "scipy.linalg._x"."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return f"{folder.replace('/', '.')}.{stem}" if folder else stem


def _native_below(folder: Path) -> Iterator[Path]:
    seen = 0
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "." and name not in ("node_modules", "site-packages")]
        seen += len(files)
        if seen > _MOST_FILES:
            return
        yield from (Path(base) / name for name in files if name.endswith(_NATIVE))


def _editable_url(text: str | None) -> str | None:
    try:
        found = msgspec.json.decode(text or "{}", type=dict[str, object])
    except msgspec.MsgspecError:
        return None
    folder, url = found.get("dir_info"), found.get("url")
    return url if isinstance(folder, dict) and folder.get("editable") and isinstance(url, str) else None


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
