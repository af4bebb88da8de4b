"""Patterns: what they match, and that shutting folders out early changes nothing."""

import os
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import InputError
from orchestrator.inputs.globs import selection
from orchestrator.inputs.passed import Passed
from orchestrator.inputs.walk import Walk
from tests.inputs.reading import unhurried

MATCHES = [
    ("**", "a", True),
    ("**", "a/.b/c", True),
    ("*", "a", True),
    ("*", ".a", True),
    ("*", "a/b", False),
    ("*.jpg", "x.jpg", True),
    ("*.jpg", "a/x.jpg", False),
    ("**/*.jpg", "x.jpg", True),
    ("**/*.jpg", "a/b/x.jpg", True),
    ("**/*.jpg", "a/b/x.jpg/y", False),
    ("a/**", "a/b/c", True),
    ("a/", "a/b/c", True),
    ("a/", "a", False),
    ("./a//b", "a/b", True),
    ("a/**/b", "a/b", True),
    ("a/**/b", "a/x/y/b", True),
    ("?", "é", True),
    ("?", "/", False),
    ("[!a]", "b", True),
    ("[!a]", "a", False),
    ("[", "[", True),
    ("a\nb", "a\nb", True),
    ("*", "a\nb", True),
    ("*", "\udcff", True),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), MATCHES)
def test_language(pattern, path, expected):
    """Each pattern of the table takes what it says."""
    assert selection([pattern]).takes(os.fsencode(path)) is expected


@pytest.mark.parametrize("pattern", ["", "/", ".", "/a", "../a", "a/../b"])
def test_patterns_that_cannot_match(pattern):
    """A pattern that leads out of the root, or nowhere, is refused; as an exclude pattern, too."""
    with pytest.raises(InputError, match="cannot match below the root"):
        selection([pattern])
    with pytest.raises(InputError, match="exclude pattern"):
        selection(["**"], [pattern])


def test_no_include():
    """An empty list of include patterns is refused: no file could match."""
    with pytest.raises(InputError, match="empty"):
        selection([])


@pytest.mark.parametrize(
    ("include", "exclude", "entered"),
    [
        (["**"], ["node_modules/**"], "src src/node_modules src/deep"),
        (["**"], ["node_modules/"], "src src/node_modules src/deep"),
        (["**"], ["**/node_modules"], "src src/deep"),
        (["src/*.py"], [], "src"),
        (["src/**/*.py"], [], "src src/node_modules src/deep"),
        (["src/d*/x/*.py", "node_modules/y"], [], "src src/deep node_modules"),
        (["*.py"], [], ""),
        (["src/"], [], "src src/node_modules src/deep"),
        (["src/deep/**"], [], "src src/deep"),
    ],
)
def test_folders_that_are_entered(include, exclude, entered):
    """A folder in which nothing can match is not looked into."""
    folders = ["src", "src/node_modules", "src/deep", "node_modules"]
    chosen = selection(include, exclude)
    assert [f for f in folders if chosen.enters(f.encode())] == entered.split()


PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "**", "?", "[ab]", "a*"]), min_size=1, max_size=4).map("/".join)
TREE = st.lists(st.lists(st.sampled_from(["a", "b", "ab", ".a"]), min_size=1, max_size=4).map("/".join), max_size=12)


@unhurried
@given(TREE, st.lists(PATTERNS, min_size=1, max_size=3), st.lists(PATTERNS, max_size=2))
def test_pruning_changes_nothing(tree, include, exclude):
    """A walk finds what some include pattern matches, unless an exclude one matches it or a folder above."""
    chosen, shut_out = selection(include), selection(exclude or ["\x01"])
    with tempfile.TemporaryDirectory() as root:
        for path in tree:
            folder = os.path.dirname(os.path.join(root, path))
            try:
                os.makedirs(folder, exist_ok=True)
                if not os.path.isdir(os.path.join(root, path)):
                    open(os.path.join(root, path), "w").close()
            except FileExistsError, NotADirectoryError:
                continue
        files = [
            os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names
        ]
        walked = [p for p, _ in Walk(os.fsencode(root), selection(include, exclude), "skip", Passed())]

    def excluded(path: str) -> bool:
        names = path.split("/")
        above = ["/".join(names[:n]) for n in range(1, len(names))]
        return any(shut_out.takes(p.encode()) for p in [path, *above, *(p + "/" for p in above)])

    expected = [p.encode() for p in files if chosen.takes(p.encode()) and not excluded(p)]
    assert walked == sorted(expected, key=lambda p: p.split(b"/"))
