"""Write the image's bill of materials: CycloneDX 1.6, of what was installed into it.

    python tools/image/sbom.py ROOT REPORT BILL [NAME]

ROOT is the image's root folder, its Python below opt/python. REPORT is pip's own (`pip install --report`: which
archive, with which hash). Read are the distributions' metadata, too, the lists that some bring of what is compiled in,
the interpreter, the note of its source that tools/setup leaves (SOURCE), dpkg's status and os-release. The same content
gives the same bytes.

NAME is of an image that is built on ftorch's, which holds this program for it. BILL is there then: it tells what was
installed before, and is replaced.
"""

import hashlib
import json
import os
import re
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageMetadata, distributions
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

PYTHON = "opt/python"
SUBJECT = "ftorch"

type Component = dict[str, Any]


def licences(about: PackageMetadata) -> list[dict[str, Any]]:
    """What a distribution says of its licence: an SPDX expression, else the names it gives."""
    if expression := about.get("License-Expression"):
        return [{"expression": expression}]
    marked = [value.split(" :: ")[-1] for value in about.get_all("Classifier", []) if value.startswith("License :: ")]
    said = [line.strip() for line in (about.get("License") or "").splitlines()[:1] if line.strip()]
    return [{"license": {"name": name}} for name in marked or said]


def distribution(found: Distribution, archives: dict[str, Component]) -> Component:
    """A Python distribution, with the hash of the archive that it came in, and what is compiled into it."""
    reference = f"pkg:pypi/{normal(found.name)}@{found.version}"
    component: Component = {"type": "library", "bom-ref": reference, "name": found.name, "version": found.version}
    component |= {"purl": reference, "licenses": licences(found.metadata), **archives.get(reference, {})}
    if normal(found.name) == SUBJECT:
        component["purl"] = f"pkg:generic/{SUBJECT}@{found.version}"
    if inside := list(bundled(found, component["bom-ref"])):
        component["components"] = inside
    return {key: value for key, value in component.items() if value}


def bundled(found: Distribution, owner: str) -> Iterator[Component]:
    """The libraries that a distribution names in lists of its own (PEP 770); its own parts are not among them."""
    seen = {f"pkg:pypi/{normal(found.name)}"}
    for file in sorted(found.files or [], key=str):
        if "sboms" not in file.parts or file.suffix != ".json":
            continue
        for one in json.loads(file.read_text()).get("components", []):
            reference = one.get("purl") or f"{one['name']}@{one.get('version', '')}"
            if one.get("scope") == "excluded" or {reference, re.split(r"[@?#]", reference)[0]} & seen:
                continue
            seen.add(reference)
            kept = {key: one[key] for key in ("name", "version", "purl") if one.get(key)}
            yield {"type": "library", "bom-ref": f"{owner}#{reference}", **kept}


def archives_of(report: dict[str, Any], before: dict[str, Any]) -> dict[str, Component]:
    """What is known of the archives that distributions came in: by pip's report, else by the bill that was there."""
    known = {
        part["bom-ref"]: {key: part[key] for key in ("hashes", "purl")}
        for part in before.get("components", [])
        if part["bom-ref"].startswith("pkg:pypi/") and "hashes" in part
    }
    for one in report["install"]:
        reference = f"pkg:pypi/{normal(one['metadata']['name'])}@{one['metadata']['version']}"
        archive = one["download_info"]
        sha256 = archive.get("archive_info", {}).get("hashes", {}).get("sha256")
        known.pop(reference, None)
        if sha256 is not None:
            file = quote(PurePosixPath(unquote(urlsplit(archive["url"]).path)).name)
            hashes = [{"alg": "SHA-256", "content": sha256}]
            known[reference] = {"hashes": hashes, "purl": f"{reference}?file_name={file}"}
    return known


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def interpreter(python: Path, version: str) -> Component:
    """CPython: the hash of its program, and of the source that set-up compiled, where that left a note."""
    program = next(path for path in sorted(python.glob("bin/python3.*t")) if not path.is_symlink())
    component: Component = {
        "type": "platform",
        "bom-ref": f"cpython@{version}",
        "name": "cpython",
        "version": version,
        "description": "CPython, the free-threaded build",
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(program.read_bytes()).hexdigest()}],
        "licenses": [{"license": {"id": "PSF-2.0"}}],
        "cpe": f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*",
        "purl": f"pkg:generic/cpython@{version}",
    }
    note = python / "SOURCE"
    if note.exists():
        _, path, sha256 = note.read_text(encoding="utf-8").split()
        source = {"type": "source-distribution", "url": path, "hashes": [{"alg": "SHA-256", "content": sha256}]}
        component["externalReferences"] = [source]
    if inside := [pip(wheel) for wheel in sorted(python.glob("lib/python3.*/ensurepip/_bundled/*.whl"))]:
        component["components"] = inside
    return component


def pip(wheel: Path) -> Component:
    """The pip that CPython brings as an archive, for ensurepip."""
    name, version, *_ = wheel.name.split("-")
    hashes = [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}]
    purl = f"pkg:pypi/{name}@{version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "hashes": hashes, "purl": purl}


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """The paragraphs of dpkg's status, without their further lines."""
    for one in text.strip().split("\n\n"):
        lines = (line.partition(": ") for line in one.splitlines() if not line.startswith(" "))
        yield {name: value for name, _, value in lines}


def package(about: dict[str, str], system: dict[str, str]) -> Component:
    """A Debian package."""
    name, version = about["Package"], about["Version"]
    source, _, source_version = about.get("Source", "").partition(" (")
    facts = {"arch": about["Architecture"], "distro": f"{system['ID']}-{system.get('VERSION_ID', 'unknown')}"}
    if source:
        facts["upstream"] = f"{source}@{source_version.rstrip(')')}" if source_version else source
    qualifiers = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(facts.items()))
    purl = f"pkg:deb/{system['ID']}/{quote(name, safe='')}@{quote(version, safe='')}?{qualifiers}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def components(root: Path, archives: dict[str, Component], ours: bool) -> Iterator[Component]:
    """All that is in the image: system, interpreter, distributions, packages; ftorch where it is not its own image."""
    release = (root / "usr/lib/os-release").read_text(encoding="utf-8")
    system = {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in release.splitlines())}
    about = {"type": "operating-system", "bom-ref": f"os:{system['ID']}", "name": system["ID"]}
    yield about | ({"version": system["VERSION_ID"]} if "VERSION_ID" in system else {})
    python = root / PYTHON
    yield interpreter(python, sys.version.split()[0])
    for site in python.glob("lib/python3.*/site-packages"):
        for found in sorted(distributions(path=[str(site)]), key=lambda one: normal(one.name)):
            if not ours or normal(found.name) != SUBJECT:
                yield distribution(found, archives)
    status = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    yield from sorted((package(one, system) for one in paragraphs(status)), key=lambda one: one["name"])


def document(parts: list[Component], subject: Component, moment: datetime) -> dict[str, Any]:
    """The bill of materials; its serial number follows from what is in it."""
    content = json.dumps([subject, parts], sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": {
            "timestamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "lifecycles": [{"phase": "build"}],
            "component": subject,
        },
        "components": parts,
        "dependencies": [{"ref": subject["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def image(root: Path, name: str | None) -> Component:
    """The image itself: ftorch's own has the version and the licence of ftorch, one of another name tells none."""
    told = name or SUBJECT
    about: Component = {"type": "container", "bom-ref": told, "name": told, "purl": f"pkg:oci/{quote(told)}"}
    if name is not None:
        return about
    sites = [str(path) for path in root.glob(f"{PYTHON}/lib/python3.*/site-packages")]
    [ours] = distributions(name=SUBJECT, path=sites)
    return about | {"version": ours.version, "licenses": licences(ours.metadata)}


def main(root: str, report: str, bill: str, name: str | None = None) -> None:
    """Write it."""
    folder, path = Path(root), Path(bill)
    before = {} if name is None else json.loads(path.read_bytes())
    archives = archives_of(json.loads(Path(report).read_bytes()), before)
    moment = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or 0), UTC)
    made = document(list(components(folder, archives, name is None)), image(folder, name), moment)
    path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(made['components'])} components")


if __name__ == "__main__":
    main(*sys.argv[1:])
