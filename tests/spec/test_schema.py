"""The JSON Schema agrees with the model."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from orchestrator.spec.cpus import Cpus
from orchestrator.spec.expected import struct_in
from orchestrator.spec.model import JobSpec
from orchestrator.spec.schema import job_schema
from orchestrator.spec.units import Duration, Share, Size
from tools.jobpage import page

TESTDATA = Path(__file__).parent.parent / "testdata" / "spec"


def references(schema):
    """Every $ref in a schema."""
    if isinstance(schema, dict):
        yield from (value for key, value in schema.items() if key == "$ref")
        yield from (ref for value in schema.values() for ref in references(value))
    elif isinstance(schema, list):
        yield from (ref for value in schema for ref in references(value))


def test_it_is_plain_json_and_whole():
    """The schema can be written as JSON, names its dialect, and every reference leads somewhere."""
    schema = msgspec.json.decode(msgspec.json.encode(job_schema()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    found = set(references(schema))
    assert "#/$defs/JobSpec" in found
    assert found == {f"#/$defs/{name}" for name in schema["$defs"]}


def test_every_field_is_described():
    """Every field of every part has a description of its own, taken from the model's docstrings."""
    for name, part in job_schema()["$defs"].items():
        assert part["description"], name
        assert "Attributes" not in part["description"]
        for field, shown in part.get("properties", {}).items():
            assert len(shown["description"]) > 10, f"{name}.{field}"
            assert shown["description"].endswith("."), f"{name}.{field}"


def test_only_what_is_required_has_no_default():
    """A field has a default exactly where the job file may leave it out, sections and the derived name aside."""
    definitions = job_schema()["$defs"]
    for field in msgspec.structs.fields(JobSpec):
        struct = struct_in(field.type)
        if struct is not None and field.encode_name != "input":
            part = definitions[struct.__name__]
            optional = {name for name, shown in part["properties"].items() if "default" in shown}
            assert optional | set(part["required"]) == set(part["properties"])
    assert definitions["JobSpec"]["required"] == ["task", "input"]
    assert definitions["Retry"]["properties"]["backoff"]["default"] == "1s"


@pytest.mark.parametrize(
    ("unit", "good", "bad"),
    [
        (Duration, ["250ms", "1.5m", "3"], ["1x", "-1s", "1h30m", ""]),
        (Size, ["2Gi", "100k", "0.5M", "7"], ["2GB", "2K", "-1", ""]),
        (Cpus, ["1", "2.5", "2500m", "0"], ["1k", "-1", "m", "1.5.2", ""]),
        (Share, ["1%", "0.5%", "25"], ["x", "-1%", "1.5", ""]),
    ],
)
def test_unit_patterns(unit, good, bad):
    """The schema's pattern of a unit takes what the unit reads, and refuses what it refuses."""
    for text in good:
        unit.parse(text)
        assert re.search(unit.pattern, text)
    for text in bad:
        with pytest.raises(ValueError, match="expected"):
            unit.parse(text)
        assert not re.search(unit.pattern, text)


@pytest.mark.parametrize("name", ["design.yaml", "everything.yaml", "hashing.yaml"])
def test_job_files_use_only_what_it_knows(name):
    """Every key of the example files stands in the schema, and exactly one input is asked for."""
    definitions = job_schema()["$defs"]
    data = yaml.safe_load((TESTDATA / name).read_text(encoding="utf-8"))
    assert set(data) <= set(definitions["JobSpec"]["properties"])
    assert definitions["JobSpec"]["additionalProperties"] is False
    assert (definitions["Input"]["minProperties"], definitions["Input"]["maxProperties"]) == (1, 1)


def test_the_page_of_fields_is_up_to_date():
    """docs/job.md has every field as the model has it."""
    written = (Path(__file__).parents[2] / "docs/job.md").read_text(encoding="utf-8")
    assert written == page(), "call: python -m tools.jobpage"
    assert "| `attempts` | 1 to 100 | `3` |" in written
