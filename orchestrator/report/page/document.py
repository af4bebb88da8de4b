"""The page around what is told: title, style, sections; pure."""

from collections.abc import Iterable, Sequence

from orchestrator.report.lines import Row
from orchestrator.report.page.markup import Markup, element, joined
from orchestrator.version import __version__

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2127;--soft:#5b6570;--line:#d9dee4;--ground:#fff;--panel:#f6f8fa;
--main:#1668b8;--mark:#c2491d;--calm:#9bb8d3}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaee;--soft:#9aa5b1;--line:#313a44;--ground:#12161b;--panel:#1a2027;
--main:#5aa9f0;--mark:#f0845a;--calm:#3d5e7c}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem 3rem;max-width:62rem;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:2rem 0 .6rem}
.state{color:var(--soft);margin:.2rem 0 1.2rem}.state.bad{color:var(--mark)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.2rem,1fr));gap:.6rem}
.figure{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.55rem .8rem}
.figure b{display:block;font-size:1.15rem;white-space:nowrap;font-weight:600;font-variant-numeric:tabular-nums}
.figure span{color:var(--soft);font-size:.85rem}
svg.curve{width:100%;max-width:44rem;height:auto;display:block}
svg text{fill:var(--soft);font-size:12px}.end{text-anchor:end}.middle{text-anchor:middle}
.grid{stroke:var(--line)}.ideal{stroke:var(--soft);stroke-dasharray:2 4}
.law{fill:none;stroke:var(--calm);stroke-width:2}
.measured path,.measured circle{stroke:var(--main);fill:var(--main);stroke-width:1.5}
.predicted path,.predicted circle{stroke:var(--mark);fill:var(--ground);stroke-width:1.5;stroke-dasharray:3 2}
.key{color:var(--soft);font-size:.85rem;margin:.3rem 0 0}
table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:500;vertical-align:top}
.bars th{width:14rem;padding:.15rem .8rem .15rem 0;overflow-wrap:anywhere}
.bars .track{padding:.15rem 0;background:linear-gradient(var(--panel),var(--panel)) center/100% .9rem no-repeat}
.bars .told{width:11rem;padding-left:.8rem;font-variant-numeric:tabular-nums}
.bar{display:block;height:.9rem;min-width:1px;background:var(--main);border-radius:2px}.bar.marked{background:var(--mark)}
.advice{margin:.4rem 0 .9rem;padding-left:.8rem;border-left:3px solid var(--line)}.advice b{font-weight:600}
.rows th{width:7.5rem;color:var(--soft);padding:.12rem .8rem .12rem 0}
.rows td{white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.55 ui-monospace,monospace;padding:.12rem 0}
.wide{overflow-x:auto}.cells th,.cells td{padding:.2rem .9rem .2rem 0;border-bottom:1px solid var(--line);
font-variant-numeric:tabular-nums;white-space:nowrap}.cells th{color:var(--soft);font-size:.85rem}
footer{margin-top:2.5rem;color:var(--soft);font-size:.85rem}
"""

type Figure = tuple[str, str]
"""A value in words, and what it is."""


def page(title: str, body: Iterable[str]) -> str:
    """A whole document."""
    head = element(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        element("title", title),
        element("style", Markup(_STYLE)),
    )
    foot = element("footer", f"ftorch {__version__}")
    return f"<!doctype html>\n{element('html', head, element('body', *body, foot), lang='en')}\n"


def section(title: str, *content: str) -> Markup:
    """A part of the page under a heading; nothing where there is no content."""
    return element("section", element("h2", title), *content) if any(content) else Markup("")


def figures(found: Sequence[Figure]) -> Markup:
    """The few values that are looked at first."""
    cards = (element("div", element("b", value), element("span", what), class_="figure") for value, what in found)
    return element("div", *cards, class_="figures")


def rows_table(rows: Iterable[Row]) -> Markup:
    """Labelled rows as the terminal has them, one cell a label."""
    grouped: list[tuple[str, list[str]]] = []
    for name, text in rows:
        if name or not grouped:
            grouped.append((name, []))
        grouped[-1][1].append(text)
    lines = (
        element("tr", element("th", name, scope="row"), element("td", "\n".join(texts))) for name, texts in grouped
    )
    return element("table", *lines, class_="rows")


def cells_table(cells: Sequence[Sequence[str]]) -> Markup:
    """A table whose first row is its head."""
    head = element("tr", *(element("th", each.lower(), scope="col") for each in cells[0]))
    body = (element("tr", *(element("td", cell) for cell in row)) for row in cells[1:])
    return element("div", element("table", head, joined(body), class_="cells"), class_="wide")
