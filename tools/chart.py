"""Writes what of helm/ftorch is made: values.schema.json, from the job file's model, and the tests' golden output.

Call it from the repository's root as `python -m tools.chart`; it needs Helm's engine (the extra dev-helm).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.spec.schema import job_schema
from orchestrator.store.local import LocalStore

CHART = Path("helm/ftorch")
GOLDEN = Path("tests/testdata/chart")
SCHEMA = "values.schema.json"


def _section(description: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "description": description, "additionalProperties": False, "properties": fields}


TEXT = {"type": "string"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
MADE = {"type": "boolean"}
MODES = {"type": "array", "items": {"enum": ["ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany"]}}
OBJECTS = {"type": "array", "items": {"type": "object"}}
ADDED: dict[str, Any] = {
    "files": {**TEXTS, "description": "Small code beside the job file: a text a file."},
    "persistence": _section(
        "The claim that kubernetes.volume names.", create=MADE, size=TEXT, access_modes=MODES, storage_class=TEXT
    ),
    "service_account": _section("The ServiceAccount of the pods.", create=MADE, annotations=TEXTS),
    "submitters": _section("Who may submit jobs from inside the cluster.", create=MADE, subjects=OBJECTS),
    "network_policy": _section("Who may talk to the pods, and they to whom.", create=MADE, egress=OBJECTS),
    "pod_monitor": _section("For the Prometheus operator.", create=MADE, interval=TEXT, labels=TEXTS),
    "global": {"type": "object", "description": "Values of a chart that this one is a part of; none is read."},
}


def chart_schema() -> dict[str, Any]:
    """The schema of the chart's values: the job file's, and what the chart adds."""
    schema = job_schema()
    schema["title"] = "Values of the ftorch chart"
    schema["$defs"]["JobSpec"]["properties"] |= ADDED
    return schema


def chart_schema_text() -> str:
    """The schema as the chart keeps it."""
    return json.dumps(chart_schema(), indent=1, ensure_ascii=False) + "\n"


def golden(root: Path) -> Iterator[tuple[str, str]]:
    """Yield what the chart makes of each values file in ci/: the file's name, and all objects as one text."""
    import helm_python
    import yaml

    chart = helm_python.Chart.load(str(root / CHART))
    for path in sorted((root / CHART / "ci").glob("*-values.yaml")):
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        made = chart.render(values, name="example", namespace="default", revision=1)
        parts = [f"# {name}\n{text.strip()}\n" for name, text in sorted(made.items()) if text.strip()]
        yield path.name, "---\n".join(parts)


def main() -> None:
    """Write the files."""
    LocalStore(CHART).put(SCHEMA, [chart_schema_text().encode()])
    print(f"wrote {CHART / SCHEMA}")
    for name, text in golden(Path.cwd()):
        LocalStore(GOLDEN).put(name, [text.encode()])
        print(f"wrote {GOLDEN / name}")


if __name__ == "__main__":
    main()
