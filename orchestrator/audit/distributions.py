"""What is installed: distributions, what they need, and their shared objects, read from their own metadata.

Only what lies on this machine is read: dist-info folders (PyPA's "Recording installed projects"), and for editable
installs the folders they point to.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution as Metadata
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_NATIVE = (".so", ".pyd", ".dylib", ".dll")
_MAPPING = re.compile(r"^MAPPING[^=]*= (\{.*\})$", re.MULTILINE)
_MOST_FILES = 20_000


def normalised(name: str) -> str:
    """A distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class Need:
    """A distribution that another one requires; `extra` where only that extra of it does, else ""."""

    name: str
    extra: str


class Distribution:
    """An installed distribution; everything about it is read when it is asked for.

    Attributes:
        name, version: as its metadata has them.
        folder: what the names of its files are relative to.
    """

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._header = (metadata.read_text("METADATA") or "").partition("\n\n")[0].replace("\r\n", "\n")
        self.name = _field(self._header, "Name")
        self.version = _field(self._header, "Version")
        self.folder = Path(str(metadata.locate_file("")))

    @cached_property
    def needs(self) -> tuple[Need, ...]:
        """What it requires, the requirements of its extras included."""
        found: dict[Need, None] = {}
        for line in self._header.split("\n"):
            if not line.startswith("Requires-Dist:"):
                continue
            name = _NAME.search(line, len("Requires-Dist:"))
            extra = _EXTRA.search(line)
            if name:
                found[Need(normalised(name[0]), extra[1] if extra else "")] = None
        return tuple(found)

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Its wheel's compatibility tags, as "cp314-cp314t-manylinux_2_28_x86_64"."""
        lines = (self._metadata.read_text("WHEEL") or "").splitlines()
        return tuple(line.partition(":")[2].strip() for line in lines if line.startswith("Tag:"))

    @cached_property
    def sources(self) -> tuple[Path, ...]:
        """The folders that an editable install points to."""
        url = _editable_url(self._metadata.read_text("direct_url.json"))
        if url is None:
            return ()
        root = Path(unquote(urlsplit(url).path))
        return tuple({root, *self._paths_of_links()})

    @cached_property
    def modules(self) -> frozenset[str]:
        """The top-level modules and packages that it brings."""
        tops = {name.split("/", 1)[0] for name in self._files if not name.startswith(("..", "/"))}
        for folder in self._paths_of_links():
            tops |= set(os.listdir(folder)) if folder.is_dir() else set()
        names = {top.partition(".")[0] for top in tops if not top.endswith((".dist-info", ".data", ".pth", ".libs"))}
        return frozenset(name for name in names | set(self._mapped()) if name.isidentifier())

    def has(self, module: str) -> bool:
        """Whether it has that module or package, by its full name; namespace packages are shared by several."""
        path = module.replace(".", "/")
        return any(name.startswith((f"{path}/", f"{path}.")) for name in self._files) or bool(self.sources)

    def shared_objects(self) -> Iterator[tuple[Path, str]]:
        """Its native files, and the full name of the module that each would be."""
        for name in self._files:
            if _is_native(name):
                yield self.folder / name, module_name(name)
        for folder in self._folders():
            for path in _native_below(folder):
                yield path, module_name(path.relative_to(folder).as_posix())

    @cached_property
    def _files(self) -> tuple[str, ...]:
        """The names of its files, as RECORD has them."""
        lines = (self._metadata.read_text("RECORD") or "").splitlines()
        return tuple(line[1:].partition('"')[0] if line[:1] == '"' else line.partition(",")[0] for line in lines)

    def _folders(self) -> set[Path]:
        """Where the modules of an editable install are looked for."""
        linked = self._paths_of_links() | {Path(path).parent for path in self._mapped().values()}
        return (linked or set(self.sources)) if self.sources else set()

    def _paths_of_links(self) -> set[Path]:
        found = set()
        for name in self._files:
            if name.endswith(".pth") and "/" not in name:
                lines = _text(self.folder / name).splitlines()
                found |= {Path(line) for line in lines if line[:1] == "/" and Path(line).is_dir()}
        return found

    def _mapped(self) -> Mapping[str, str]:
        """Modules by their path, as setuptools' finder of an editable install maps them."""
        for name in self._files:
            match = name.startswith("__editable___") and _MAPPING.search(_text(self.folder / name))
            if match:
                mapping: dict[str, str] = ast.literal_eval(match[1])
                return mapping
        return {}


class Environment:
    """The distributions that can be imported from some folders, by normalised name; of several, the first counts."""

    def __init__(self, paths: Sequence[str] | None = None) -> None:
        self.distributions: dict[str, Distribution] = {}
        for metadata in distributions(path=list(sys.path if paths is None else paths)):
            found = Distribution(metadata)
            if found.name:
                self.distributions.setdefault(normalised(found.name), found)

    def of_module(self, module: str) -> list[Distribution]:
        """The distributions that bring a module, by its full name; several share a namespace package."""
        top = module.partition(".")[0]
        guess = self.distributions.get(normalised(top))
        if guess is not None and top in guess.modules and guess.has(top):
            return [guess]
        sharing = [one for one in self.distributions.values() if top in one.modules]
        while module:
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


def _is_native(name: str) -> bool:
    return name.endswith(_NATIVE)


def _native_below(folder: Path) -> Iterator[Path]:
    seen = 0
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "." and name not in ("node_modules", "site-packages")]
        seen += len(files)
        if seen > _MOST_FILES:
            return
        yield from (Path(base) / name for name in files if _is_native(name))


def _editable_url(text: str | None) -> str | None:
    try:
        found = msgspec.json.decode(text or "{}", type=dict[str, object])
    except msgspec.MsgspecError:
        return None
    folder, url = found.get("dir_info"), found.get("url")
    return url if isinstance(folder, dict) and folder.get("editable") and isinstance(url, str) else None


def _field(header: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*)$", header, re.MULTILINE)
    return found[1].strip() if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
