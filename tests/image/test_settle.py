"""Compiled files of two builds: equal once they are settled, and the same code."""

import marshal

from tools.image.settle import HEADER, settled

SOURCE = (
    "def f(a, b=(1, 2)):\n    return [a + n for n in b]\n\nclass C:\n    x = b'bytes', 2.5, frozenset({'p', 'q'})\n"
)


def compiled(held):
    """A compiled file, written while the code's own tables are held by others, or are not."""
    code = compile(SOURCE, "m.py", "exec")
    others = [code.co_linetable, code.co_exceptiontable, code.co_consts] if held else []
    data = b"h" * HEADER + marshal.dumps(code)
    assert len(others) in (0, 3)
    return data


def test_what_others_held_leaves_no_trace():
    """What differs only by what else was alive when it was compiled is equal afterwards, and runs as before."""
    one, other = compiled(held=False), compiled(held=True)
    assert one != other
    assert settled(one) == settled(other)
    assert settled(settled(one)) == settled(one)
    assert settled(one)[:HEADER] == one[:HEADER]
    assert marshal.loads(settled(one)[HEADER:]) == marshal.loads(one[HEADER:])
