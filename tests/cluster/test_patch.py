"""Strategic merge, as kubectl does it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cluster.manifests.patch import strategic_merge

plain = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.text(max_size=3)),
    lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from("abc"), plain, max_size=3)


@pytest.mark.parametrize(
    ("base", "patch", "merged"),
    [
        ({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}}, {"a": 1, "b": {"c": 2, "d": 3}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        (
            {"containers": [{"name": "x", "image": "i"}]},
            {"containers": [{"name": "x", "tty": True}, {"name": "y"}]},
            {"containers": [{"name": "x", "image": "i", "tty": True}, {"name": "y"}]},
        ),
        (
            {"volumeMounts": [{"mountPath": "/a", "name": "x"}]},
            {"volumeMounts": [{"mountPath": "/a", "readOnly": True}]},
            {"volumeMounts": [{"mountPath": "/a", "name": "x", "readOnly": True}]},
        ),
        (
            {"env": [{"name": "A"}, {"name": "B"}]},
            {"env": [{"name": "A", "$patch": "delete"}]},
            {"env": [{"name": "B"}]},
        ),
        (
            {"volumes": [{"name": "a"}]},
            {"volumes": [{"$patch": "replace"}, {"name": "b"}]},
            {"volumes": [{"name": "b"}]},
        ),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        ({}, {"a": {"b": None}}, {"a": {}}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ({}, {"env": [{"name": "A", "value": None}]}, {"env": [{"name": "A"}]}),
    ],
)
def test_what_a_patch_does(base, patch, merged):
    """Mappings merge, null removes, named lists merge by name, other lists are replaced, directives are followed."""
    assert strategic_merge(base, patch) == merged


@given(base=mappings, patch=mappings)
def test_a_patch_twice_is_a_patch_once(base, patch):
    """Applying a patch again changes nothing, and neither argument is touched."""
    before = repr((base, patch))
    once = strategic_merge(base, patch)
    assert strategic_merge(once, patch) == once
    assert strategic_merge(base, {}) == base
    assert repr((base, patch)) == before
