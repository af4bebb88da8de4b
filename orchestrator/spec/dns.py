"""Names as Kubernetes takes them: what is wrong with one, in a user's words.

Source: k8s.io/apimachinery/pkg/util/validation.
"""

import re

from orchestrator.spec.nodes import shown

LONGEST_LABEL = 63
LONGEST_SUBDOMAIN = 253

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


def label_mistake(name: str) -> str | None:
    """What keeps a text from being a DNS-1123 label: a namespace's name, say; None where nothing does."""
    if len(name) > LONGEST_LABEL:
        return f"found {len(name)} characters, expected at most {LONGEST_LABEL}"
    expected = "lower-case letters, digits and dashes, no dash first or last"
    return None if re.fullmatch(_LABEL, name) else f'found the text "{shown(name)}", expected {expected}'


def name_mistake(name: str) -> str | None:
    """What keeps a text from being a DNS-1123 subdomain: most objects' names; None where nothing does."""
    if len(name) > LONGEST_SUBDOMAIN:
        return f"found {len(name)} characters, expected at most {LONGEST_SUBDOMAIN}"
    expected = "lower-case letters, digits, dashes and dots, beginning and ending with a letter or digit"
    return None if _SUBDOMAIN.fullmatch(name) else f'found the text "{shown(name)}", expected {expected}'


def qualified_mistake(key: str) -> str | None:
    """What keeps a text from being a label's key; None where nothing does."""
    prefix, slash, name = key.rpartition("/")
    is_name = bool(name) and len(name) <= LONGEST_LABEL and _VALUE.fullmatch(name)
    if is_name and (not slash or (_SUBDOMAIN.fullmatch(prefix) and len(prefix) <= LONGEST_SUBDOMAIN)):
        return None
    return f'found the key "{shown(key)}", expected a label\'s name, such as example.org/pool'


def value_mistake(value: str) -> str | None:
    """What keeps a text from being a label's value; None where nothing does."""
    if len(value) <= LONGEST_LABEL and _VALUE.fullmatch(value):
        return None
    return f'found the text "{shown(value)}", expected a label\'s value: at most 63 letters, digits, -, _ and .'


def near_name(name: str) -> str | None:
    """A question for the nearest name that could be one; None where there is none."""
    near = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")
    return f'Did you mean "{near}"?' if near and near != name and _SUBDOMAIN.fullmatch(near) else None
