"""Objects as YAML: keys in their order, texts of several lines as blocks, the same bytes each time."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

_ELSEWHERE = re.compile(r"[-+.]?[0-9]|[yYnN]$")
"""Texts that PyYAML leaves bare and that other readers of YAML, kubectl's among them, take for a number or a truth."""


class _Dumper(yaml.SafeDumper):
    """Writes every value out, and texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own signature
        """Write a value wherever it stands."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Indent lists below their key, as Kubernetes' own examples do."""
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else '"' if _ELSEWHERE.match(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(documents: Sequence[Any]) -> str:
    """The documents as one YAML text."""
    return yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=4096,
        explicit_start=len(documents) > 1,
    )
