"""The JSON Schema of a job file, made from the model: for editors and for programs that write job files.

It states what a single field can state; rules between fields are in :mod:`orchestrator.spec.rules`.
"""

import inspect
import re
from typing import Any

import msgspec

from orchestrator.spec.expected import list_item, struct_in
from orchestrator.spec.model import JobSpec
from orchestrator.spec.rules_name import LONGEST_NAME, NAME
from orchestrator.spec.units import Quantity, to_plain

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = "#/$defs/{name}"

_FIELD = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def job_schema() -> dict[str, Any]:
    """The schema of a whole job file: JSON Schema, draft 2020-12, with a definition for each part."""
    roots, definitions = msgspec.json.schema_components((JobSpec,), schema_hook=_unit_schema, ref_template=REFERENCE)
    for kind in _structs(JobSpec):
        _complete(definitions[kind.__name__], kind)
    definitions["Input"] |= {"minProperties": 1, "maxProperties": 1}
    name = definitions["JobSpec"]["properties"]["name"]
    name |= {"pattern": f"^{NAME}$", "maxLength": LONGEST_NAME}
    del name["default"]  # it comes from the file's name
    return {"$schema": DIALECT, "title": "ftorch job file", **roots[0], "$defs": definitions}


def _unit_schema(kind: type) -> dict[str, Any]:
    if not issubclass(kind, Quantity):
        raise NotImplementedError(kind)
    text = {"type": "string", "pattern": kind.pattern}
    return {
        "title": kind.__name__,
        "description": kind.expected,
        "anyOf": [text, {"type": "number", "minimum": 0}],
    }


def _structs(kind: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """The part of the model and all parts below it."""
    types = [each for field in msgspec.structs.fields(kind) for each in (field.type, list_item(field.type))]
    below = [struct for each in types if (struct := struct_in(each)) is not None]
    return [kind, *(deep for struct in below for deep in _structs(struct))]


def _complete(definition: dict[str, Any], kind: type[msgspec.Struct]) -> None:
    """Move the fields' descriptions from the docstring to them, and add the defaults that have a unit."""
    documentation = inspect.getdoc(kind) or ""
    description, _, attributes = documentation.partition("\n\nAttributes:\n")
    definition["description"] = description
    texts = {name: " ".join(text.split()) for name, text in _FIELD.findall(attributes)}
    for field in msgspec.structs.fields(kind):
        shown = definition["properties"][field.encode_name]
        shown["description"] = texts.get(field.encode_name, "")
        has_unit = field.default_factory is not msgspec.NODEFAULT and struct_in(field.type) is None
        if has_unit and "default" not in shown:
            shown["default"] = msgspec.to_builtins(field.default_factory(), enc_hook=to_plain)
