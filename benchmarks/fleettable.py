"""The kept results of `benchmarks.fleet` as tables for the README: `python -m benchmarks.fleettable`.

First what every contestant did, then how many times as fast as each peer `orchestrator.run` was, whose results are in a
list as theirs are.
"""

import json
from collections.abc import Mapping, Sequence

from benchmarks.measure import RESULTS


def table(figures: Sequence[Mapping[str, object]]) -> str:
    """A row a contestant, a column a grain: items a second, and the efficiency where there is work."""
    cells: dict[str, dict[str, str]] = {}
    grains: list[str] = []
    for figure in figures:
        grain, label = str(figure["what"]).split(": ", 1)
        median = float(figure["found"]["median"])  # type: ignore[index]
        if figure["unit"] == "items/s":
            cells.setdefault(label, {})[grain] = f"{median:,.0f}" if median >= 100 else f"{median:.3g}"
            grains += [] if grain in grains else [grain]
        elif figure["unit"] == "%":
            label = label.removesuffix(": efficiency")
            cells[label][grain] += f" ({median:.0f} %)" if median >= 1 else " (<1 %)"
    lines = ["| items/s (efficiency) | " + " | ".join(grains) + " |", "|---" * (1 + len(grains)) + "|"]
    for label, row in cells.items():
        lines.append(f"| {label} | " + " | ".join(row.get(grain, "") for grain in grains) + " |")
    return "\n".join(lines)


OURS = "ftorch, run(), over "
"""What the figures are called that compare with peers."""


def ratio_table(figures: Sequence[Mapping[str, object]]) -> str:
    """A row a peer, a column a grain: how many times as fast `run` was, by defaults / tuned."""
    cells: dict[str, dict[str, list[str]]] = {}
    grains: list[str] = []
    for figure in figures:
        grain, label = str(figure["what"]).split(": ", 1)
        if not label.startswith(OURS):
            continue
        ratio = float(figure["found"]["median"])  # type: ignore[index]
        row = cells.setdefault(label.removeprefix(OURS).removesuffix(", tuned"), {})
        row.setdefault(grain, []).append(f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}")
        grains += [] if grain in grains else [grain]
    lines = ["| run() over | " + " | ".join(grains) + " |", "|---" * (1 + len(grains)) + "|"]
    for label, row in cells.items():
        lines.append(f"| {label} | " + " | ".join(" / ".join(row.get(grain, [])) for grain in grains) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print them."""
    order = ("", "-0us", "-10us", "-100us", "-1ms", "-10ms")
    kept = [path for suffix in order if (path := RESULTS / f"fleet{suffix}.json").exists()]
    figures = [figure for path in kept for figure in json.loads(path.read_text(encoding="utf-8"))["figures"]]
    print(table(figures), ratio_table(figures), sep="\n\n")


if __name__ == "__main__":
    main()
