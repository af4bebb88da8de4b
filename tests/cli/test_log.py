"""Log lines, as a program that reads them finds them."""

import json

import pytest

from orchestrator.cli.log import JsonLog


def test_a_line_is_one_json_object_with_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    """What is bound comes first, a name that is bound again has its new value, and the usual words are there."""
    log = JsonLog(run="a").bind(run="b", shard=3)
    log.info("started", path="no\nnewline", left=None)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    line = json.loads(err)
    assert line.pop("timestamp").endswith("Z")
    assert list(line) == ["run", "shard", "path", "left", "event", "level"]
    assert line == {
        "run": "b",
        "shard": 3,
        "path": "no\nnewline",
        "left": None,
        "event": "started",
        "level": "info",
    }
