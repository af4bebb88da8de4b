"""Reports as pages: whole, escaped, with nothing to load, and with what the text says."""

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from orchestrator.measure.diagnosis import Diagnosis
from orchestrator.measure.finding import Finding
from orchestrator.report.cluster import cluster_report
from orchestrator.report.clustertext import cluster_rows
from orchestrator.report.page.cluster import cluster_page
from orchestrator.report.page.curve import scaling_drawing, ticks
from orchestrator.report.page.markup import element
from orchestrator.report.page.run import run_page
from orchestrator.report.text import report_rows
from tests.diagnosis.test_budget import account
from tests.measure.test_recorded import node as recorded
from tests.report.samples import failure, node, report
from tests.report.test_cluster import row

VOID = {"meta"}
LOADING = {"script", "link", "img", "iframe", "object", "embed", "source", "base", "form"}


class Page(HTMLParser):
    """What a browser would find: the text, the elements, and whether each is closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[str] = []
        self.classes: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.classes += [value or "" for name, value in attrs if name == "class"]
        assert not {name for name, _ in attrs} & {"src", "href", "onload", "onclick"}
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data + "\n"


def test_a_run_as_a_page() -> None:
    """All that the text has is on the page, and nothing is loaded."""
    found = report()
    text = run_page(found)
    page = Page(text)
    for _, told in report_rows(found):
        assert all(line in page.text for line in told.split("\n"))
    assert not LOADING & set(page.tags)
    assert "url(" not in text
    assert page.text.count("hash-1: done") == 1


@given(st.text(max_size=40))
def test_what_users_wrote_is_text(wrote: str) -> None:
    """A key or an error with markup in it is shown as it is, and makes no element."""
    plain = Page(run_page(report(failed=1, examples=[failure(1)])))
    other = structs.replace(failure(1), key=f"<b>&{wrote}", error=f"<script>{wrote}</script>")
    page = Page(run_page(report(failed=1, examples=[other])))
    assert page.tags == plain.tags
    assert "<script>" in page.text


def test_measured_and_predicted_points_are_told_apart() -> None:
    """Every measured speedup is a point, every prediction with a figure a hollow one; a refused one is not drawn."""
    scaling = recorded("contended")
    drawing = Page(scaling_drawing(scaling) or "")
    assert drawing.classes.count("measured") == sum(point.speedup is not None for point in scaling.points)
    assert drawing.classes.count("predicted") == sum(each.speedup is not None for each in scaling.predictions) == 1
    assert "predicted: 16 threads, 9.0" in drawing.text
    alone = structs.replace(scaling, points=scaling.points[:1], predictions=[])
    assert scaling_drawing(alone) is None


def test_points_lie_within_the_drawing() -> None:
    """No point, whisker or line leaves the drawing, for free and for contended threads."""
    for name in ("free", "contended"):
        drawing = str(scaling_drawing(recorded(name)))
        numbers = [float(found) for found in re.findall(r'c[xy]="(-?[\d.]+)"', drawing)]
        assert numbers
        assert all(0 <= each <= 560 for each in numbers)
        assert all(0 <= float(y) <= 320 for y in re.findall(r'cy="(-?[\d.]+)"|V(-?[\d.]+)', drawing) for y in y if y)


def test_losses_are_bars_with_their_advice() -> None:
    """Each cause has a bar and its evidence and advice; a run that was not judged says so."""
    finding = Finding("lock", 0.25, "threads slept on a lock in task.py:3", "Keep state per thread")
    judged = node(diagnosis=Diagnosis(0.3, [finding], [], account()))
    page = Page(run_page(report(judged)))
    assert "waiting for a lock" in page.text
    assert "threads slept on a lock in task.py:3. Keep state per thread" in page.text
    assert page.classes.count("bar marked") == 2
    short = node(diagnosis=Diagnosis(None, [], ["the threads worked for 0.1 s"], account()))
    assert "Not judged: the threads worked for 0.1 s." in Page(run_page(report(short))).text


def test_a_run_of_many_shards_as_a_page() -> None:
    """All that the text adds up is on the page; a straggler is marked."""
    found = cluster_report("hash-1", 4, [row(0), row(1), row(2, 60.0)], price=0.5)
    page = Page(cluster_page(found, "not published yet"))
    for _, told in cluster_rows(found):
        assert told in page.text
    assert "not published yet; 3 of 4 shards reported" in page.text
    assert page.classes.count("bar marked") == 1


@given(st.floats(1.0, 1e6))
def test_ticks_are_few_and_round(highest: float) -> None:
    """From 0 on, evenly, two to nine of them, none above the highest value."""
    found = ticks(highest)
    assert found[0] == 0
    assert 2 <= len(found) <= 9
    assert found[-1] <= highest
    assert re.fullmatch(r"(1|2|5)0*", f"{found[1]:.0f}")


def test_markup_is_escaped_unless_it_was_made_here() -> None:
    """Text is escaped in elements and attributes; elements within elements are not."""
    assert element("p", "a<b", element("b", "&"), title='"') == '<p title="&quot;">a&lt;b<b>&amp;</b></p>'
