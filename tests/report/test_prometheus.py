"""A run's figures as Prometheus reads them."""

import re

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orchestrator.report.prometheus import METRICS, ShardFigures, exposition
from tests.command import ROOT

SHARD = ShardFigures("hash-1", "3", 10, 2048, 1, 100, None, 4, 3, 2, 1.5)
SAMPLE = re.compile(r'(ftorch_\w+)\{((?:\w+="(?:[^"\\\n]|\\.)*",?)+)\} (\S+)')


def test_each_figure_is_a_sample_with_its_run_and_shard() -> None:
    """A family has its help and type before its samples; what is not known is left out."""
    lines = exposition([SHARD, structs.replace(SHARD, shard="4", items=7)], "0.1.0").splitlines()
    assert 'ftorch_items_done_total{run="hash-1",shard="3"} 10' in lines
    assert 'ftorch_items_done_total{run="hash-1",shard="4"} 7' in lines
    assert 'ftorch_build_info{version="0.1.0"} 1' in lines
    assert not any(line.startswith("ftorch_bytes_planned") for line in lines)
    kinds = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE")}
    assert kinds["ftorch_items_done_total"] == "counter"
    assert all(name.endswith("_total") == (kind == "counter") for name, kind in kinds.items())


@given(st.text(st.characters(codec="utf-8")))
def test_any_name_is_one_line(name: str) -> None:
    """Whatever a run is called, each sample is one line that reads again as that name."""
    text = exposition([structs.replace(SHARD, run=name)], "0.1.0")
    samples = [line for line in text.split("\n") if line.startswith("ftorch_threads{")]
    assert len(samples) == 1
    found = SAMPLE.fullmatch(samples[0])
    assert found is not None
    told = re.findall(r'run="((?:[^"\\]|\\.)*)"', found[2])[0]
    assert re.sub(r"\\(.)", lambda one: "\n" if one[1] == "n" else one[1], told) == name


def test_before_there_is_a_worker() -> None:
    """Only the version is told."""
    assert [line for line in exposition([], "1").splitlines() if line[0] != "#"] == ['ftorch_build_info{version="1"} 1']


def test_the_metrics_are_documented() -> None:
    """Each name is in the documentation."""
    text = (ROOT / "docs" / "on-kubernetes.md").read_text()
    assert [name for name, *_ in METRICS if f"`{name}`" not in text] == []
