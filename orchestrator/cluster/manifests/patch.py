"""Strategic merge of a patch into a pod template: as `kubectl patch` would, on this side."""

from collections.abc import Mapping, Sequence
from typing import Any

KEYS: Mapping[str, str] = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
}
"""The lists of a pod that merge item by item, and the field that names an item (`patchMergeKey` in k8s.io/api/core/v1).
Every other list is replaced."""

DIRECTIVE = "$patch"


def strategic_merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A new mapping: `patch` laid over `base`.

    Mappings merge, null removes a field, lists of named items merge by name and others are replaced.
    ``$patch: replace`` in a mapping replaces it, ``$patch: delete`` in a named item removes it.
    """
    if patch.get(DIRECTIVE) == "replace":
        return {key: value for key, value in patch.items() if key != DIRECTIVE}
    merged = dict(base)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(key, merged.get(key), value)
    return merged


def _merged(key: str, old: Any, new: Any) -> Any:
    if isinstance(new, Mapping):
        return strategic_merge(old if isinstance(old, Mapping) else {}, new)
    name = KEYS.get(key)
    is_named = name is not None and isinstance(new, list) and all(isinstance(item, Mapping) for item in new)
    if name is not None and is_named:
        return _merged_list(name, old if isinstance(old, list) else [], new)
    return new


def _merged_list(name: str, old: Sequence[Any], new: Sequence[Mapping[str, Any]]) -> list[Any]:
    if any(item.get(DIRECTIVE) == "replace" for item in new):
        return [item for item in new if DIRECTIVE not in item]
    merged = list(old)
    for item in new:
        place = next((at for at, each in enumerate(merged) if each.get(name) == item.get(name)), None)
        if item.get(DIRECTIVE) == "delete":
            merged = [each for each in merged if each.get(name) != item.get(name)]
        elif place is None:
            merged.append(strategic_merge({}, item))
        else:
            merged[place] = strategic_merge(merged[place], item)
    return merged
