"""The image's bill of materials: valid, complete, and made of what is really there."""

import json
import re
import subprocess
import sys
from email import message_from_string
from hashlib import sha256
from itertools import batched
from pathlib import Path

import pytest

from orchestrator.version import __version__
from tests.command import ROOT
from tests.image.conftest import IMAGE, RESTRICTED
from tools.image.sbom import licences

LABEL = "dev.ftorch.sbom"
KINDS = ("pkg:pypi/", "pkg:deb/", "pkg:generic/")
PIP = {
    "install": [
        {
            "metadata": {"name": "Some_Thing", "version": "1.0"},
            "download_info": {
                "url": "file:///wheels/some%2Bthing-1.0-py3-none-any.whl",
                "archive_info": {"hashes": {"sha256": "ab" * 32}},
            },
        }
    ]
}
COMPILED_IN = {
    "components": [
        {"name": "zlib", "version": "1.3", "purl": "pkg:generic/zlib@1.3", "type": "library"},
        {"name": "zlib", "version": "1.3", "purl": "pkg:generic/zlib@1.3", "type": "library"},
        {"name": "Some_Thing", "version": "1.0", "purl": "pkg:pypi/some-thing@1.0#part", "type": "library"},
        {"name": "pybind11", "scope": "excluded", "type": "library"},
        {"name": "libtiff", "version": "4.7", "type": "library"},
    ]
}
STATUS = """\
Package: libfoo1
Status: install ok installed
Architecture: amd64
Source: foo (1:2.0-1)
Version: 1:2.0-1+b1
Description: a library
 Version: of nothing

Package: base
Architecture: all
Version: 12.4
"""


def check(text):
    """It holds to the official schema, each reference is there once, and licences are SPDX expressions."""
    pytest.importorskip("jsonschema", reason="jsonschema is not installed here: it has no wheels for this Python")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from license_expression import get_spdx_licensing

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    parts = [bill["metadata"]["component"], *bill["components"]]
    parts += [inner for part in bill["components"] for inner in part.get("components", [])]
    names = [part["bom-ref"] for part in parts]
    assert len(names) == len(set(names))
    expressions = [one["expression"] for part in parts for one in part.get("licenses", []) if "expression" in one]
    for expression in expressions:
        assert get_spdx_licensing().validate(expression).errors == []
    return bill


@pytest.fixture
def root(tmp_path):
    """An image's root, small: an interpreter, two distributions, two Debian packages."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    site = "opt/python/lib/python3.14t/site-packages"
    thing = f"{site}/some_thing-1.0.dist-info"
    write(f"{thing}/METADATA", "Metadata-Version: 2.4\nName: Some_Thing\nVersion: 1.0\nLicense-Expression: MIT\n")
    write(f"{thing}/sboms/auditwheel.cdx.json", COMPILED_IN)
    write(f"{thing}/RECORD", "some_thing-1.0.dist-info/sboms/auditwheel.cdx.json,,\n")
    about = "Metadata-Version: 2.4\nName: ftorch\nVersion: 0.1.0\nLicense-Expression: Apache-2.0\n"
    write(f"{site}/ftorch-0.1.0.dist-info/METADATA", about)
    write("opt/python/bin/python3.14t", "program")
    write("opt/python/lib/python3.14t/ensurepip/_bundled/pip-26.2-py3-none-any.whl", "archive")
    write("opt/python/SOURCE", f"3.14.7 pool/python3.14.tar.xz {'cd' * 32}\n")
    write("notes/pip.json", PIP)
    write("usr/lib/os-release", 'ID=debian\nVERSION_ID="12"\n')
    write("var/lib/dpkg/status", STATUS)
    return tmp_path


def written(root, *more, **environment):
    """The bill of materials of a root, as text."""
    files = (root / "notes/pip.json", root / "bill.json")
    script = [sys.executable, "-I", ROOT / "tools/image/sbom.py", root, *files, *more]
    subprocess.run(script, check=True, env=environment, capture_output=True)
    return (root / "bill.json").read_text()


def test_what_it_says(root):
    """System, interpreter, distributions and packages, each with the version, hash and licence that is known of it."""
    bill = check(written(root, SOURCE_DATE_EPOCH="86400"))
    assert bill["metadata"]["timestamp"] == "1970-01-02T00:00:00Z"
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("ftorch", "0.1.0")
    system, python, thing, base, foo = bill["components"]
    assert (system["name"], system["version"]) == ("debian", "12")
    assert python["version"] == sys.version.split()[0]
    [source] = python["externalReferences"]
    assert (source["url"], source["hashes"][0]["content"]) == ("pool/python3.14.tar.xz", "cd" * 32)
    [pip] = python["components"]
    assert (pip["purl"], pip["hashes"][0]["content"]) == ("pkg:pypi/pip@26.2", sha256(b"archive").hexdigest())
    assert thing["purl"] == "pkg:pypi/some-thing@1.0?file_name=some%2Bthing-1.0-py3-none-any.whl"
    assert (thing["hashes"][0]["content"], thing["licenses"]) == ("ab" * 32, [{"expression": "MIT"}])
    assert [(inner["name"], inner["version"]) for inner in thing["components"]] == [("zlib", "1.3"), ("libtiff", "4.7")]
    assert base["purl"] == "pkg:deb/debian/base@12.4?arch=all&distro=debian-12"
    assert foo["version"] == "1:2.0-1+b1"
    upstream = "upstream=foo%401%3A2.0-1"
    assert foo["purl"] == f"pkg:deb/debian/libfoo1@1%3A2.0-1%2Bb1?arch=amd64&distro=debian-12&{upstream}"


def test_the_same_content_gives_the_same_bytes(root):
    """The serial number follows from the content; an interpreter without a note of its source is told without one."""
    first = written(root)
    assert written(root) == first
    (root / "var/lib/dpkg/status").write_text(STATUS.replace("12.4", "12.5"))
    (root / "opt/python/SOURCE").unlink()
    changed = check(written(root))
    assert changed["serialNumber"] != json.loads(first)["serialNumber"]
    assert "externalReferences" not in changed["components"][1]


def test_what_an_image_built_on_it_adds(root):
    """What was there keeps the hash that the bill had; what came has that of pip's report; ftorch is one of them."""
    before = {one["bom-ref"]: one for one in check(written(root))["components"]}
    site = root / "opt/python/lib/python3.14t/site-packages"
    for name, version in (("added", "2.0"), ("replaced", "3.1"), ("click", "1")):
        (site / f"{name}-{version}.dist-info").mkdir()
        about = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: BSD-3-Clause\n"
        (site / f"{name}-{version}.dist-info/METADATA").write_text(about)
    url = "https://example.org/added-2.0.tar.gz"
    archive = {"url": url, "archive_info": {"hashes": {"sha256": "ef" * 32}}}
    cloned = {"url": "https://example.org/replaced", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}}
    install = [
        {"metadata": {"name": "added", "version": "2.0"}, "download_info": archive},
        {"metadata": {"name": "replaced", "version": "3.1"}, "download_info": cloned},
    ]
    (root / "notes/pip.json").write_text(json.dumps({"install": install}))
    bill = check(written(root, "click"))
    assert bill["metadata"]["component"] == {
        "type": "container",
        "bom-ref": "click",
        "name": "click",
        "purl": "pkg:oci/click",
    }
    after = {one["bom-ref"]: one for one in bill["components"]}
    assert {reference: after[reference] for reference in before} == before
    new = {reference: one for reference, one in after.items() if reference not in before}
    assert [one["name"] for one in new.values()] == ["added", "click", "ftorch", "replaced"]
    assert all(one["licenses"] for one in new.values())
    added = new["pkg:pypi/added@2.0"]
    assert (added["purl"], added["hashes"]) == (
        "pkg:pypi/added@2.0?file_name=added-2.0.tar.gz",
        [{"alg": "SHA-256", "content": "ef" * 32}],
    )
    assert "hashes" not in new["pkg:pypi/replaced@3.1"]
    assert new["pkg:pypi/ftorch@0.1.0"]["purl"] == "pkg:generic/ftorch@0.1.0"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("License-Expression: BSD-3-Clause AND MIT", [{"expression": "BSD-3-Clause AND MIT"}]),
        ("License: X\nClassifier: License :: OSI Approved :: MIT License", [{"license": {"name": "MIT License"}}]),
        ("License: BSD-3-Clause", [{"license": {"name": "BSD-3-Clause"}}]),
        ("Keywords: none", []),
    ],
)
def test_licences_are_those_that_are_declared(lines, expected):
    """An SPDX expression first, then classifiers, then the old field; nothing is guessed."""
    assert licences(message_from_string(f"Name: x\n{lines}\n")) == expected


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_image_s_own(containers, image):
    """Where the label says: valid, and equal to what Python, the lock and dpkg say of the image."""
    [about] = json.loads(containers.run("podman", "image", "inspect", IMAGE))
    run = ("podman", "run", "--rm", *RESTRICTED)
    text = containers.run(*run, "--entrypoint=cat", IMAGE, about["Labels"][LABEL])
    bill = check(text)
    assert bill["metadata"]["component"]["version"] == __version__
    by_kind = {kind: [one for one in bill["components"] if one.get("purl", "").startswith(kind)] for kind in KINDS}
    names = "from importlib.metadata import distributions as d; print(*(f'{i.name}=={i.version}' for i in d()))"
    installed = set(containers.run(*run, "--entrypoint=python", IMAGE, "-c", names).split())
    assert {f"{one['name']}=={one['version']}" for one in by_kind["pkg:pypi/"]} == installed - {
        f"ftorch=={__version__}"
    }
    lock = (ROOT / "requirements.lock").read_text()
    for one in by_kind["pkg:pypi/"]:
        assert f"sha256:{one['hashes'][0]['content']}" in lock, one["name"]
        assert one["licenses"], one["name"]
    status = containers.run(*run, "--entrypoint=cat", IMAGE, "/var/lib/dpkg/status")
    fields = re.findall("^(Package|Version): (.*)", status, re.MULTILINE)
    versions = [(package[1], version[1]) for package, version in batched(fields, 2, strict=True)]
    assert [(one["name"], one["version"]) for one in by_kind["pkg:deb/"]] == sorted(versions)
    [python] = by_kind["pkg:generic/"]
    assert python["version"] == sys.version.split()[0]
    note = Path(sys.base_prefix, "SOURCE")
    assert not note.exists() or python["externalReferences"][0]["hashes"][0]["content"] == note.read_text().split()[2]
    inner = {part["name"] for one in by_kind["pkg:pypi/"] for part in one.get("components", [])}
    assert "libavif" in inner, "what pillow is compiled with"
