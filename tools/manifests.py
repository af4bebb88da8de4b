"""Writes manifests/ from the shipped jobs: what `ftorch render` makes of each, for any cluster, without storage.

Call it from the repository's root as `python -m tools.manifests [--image IMAGE]`. Each job runs in one pod, whose
first container makes the job's input in the pod's /tmp. A job whose data is on a volume or in a bucket needs no such
container.
"""

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.cluster.render import rendered_text
from orchestrator.spec.load import load_job
from orchestrator.store.local import LocalStore

FOLDER = Path("manifests")
IMAGE = "localhost/ftorch:0.1.0"
VERSION = (1, 36)
HEAD = "# Written by `make manifests` from jobs/{job}/job.yaml: change that, then run it again.\n"

COPY = "shutil.copy('/ftorch/job/make_input.py', '/tmp')"
RUN = "runpy.run_path('/tmp/make_input.py', run_name='__main__')"
MAKE_INPUT = """{
  spec: {initContainers: [{
    name: input,
    image: %(image)s,
    command: [python, -c, "import runpy, shutil; %(copy)s; %(run)s"],
    resources: {requests: {cpu: 1, memory: 512Mi}, limits: {cpu: 1, memory: 512Mi}},
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true},
    volumeMounts: [{name: tmp, mountPath: /tmp}, {name: job, mountPath: /ftorch/job, readOnly: true}]
  }]}
}"""

SHIPPED: dict[str, tuple[str, Sequence[str]]] = {
    "columns": ("columns", ["input.csv.path=/tmp/data/points.csv", "output.path=/tmp/out/distances.csv"]),
    "hashing": ("hashing", ["input.files.root=/tmp/data/tree", "output.path=/tmp/out/SHA256SUMS"]),
    "sums": ("sums", ["output.path=/tmp/out/sums.jsonl"]),
    "sums-nightly": ("sums", ["name=sums-nightly", "output.path=/tmp/out/sums.jsonl", "schedule.cron=0 2 * * *"]),
    "textnorm": ("textnorm", ["input.files.root=/tmp/data/documents", "output.path=/tmp/out/signatures.jsonl"]),
    "thumbnails": ("thumbnails", ["input.files.root=/tmp/data/photos", "output.path=/tmp/out/thumbnails"]),
    "wordcount": ("wordcount", ["input.lines.path=/tmp/data/text.txt", "output.path=/tmp/out/words.json"]),
}
"""A file's name → the job it is made from, and what is set in that."""


def shipped(jobs: Path, image: str = IMAGE) -> Iterator[tuple[str, str]]:
    """Yield each file's name and its text; the same jobs give the same texts."""
    for name, (job, settings) in SHIPPED.items():
        folder = jobs / job
        spec = load_job(folder / "job.yaml", settings_of(folder, settings, image))
        yield f"{name}.yaml", HEAD.format(job=job) + rendered_text(spec, folder, VERSION)


def settings_of(folder: Path, settings: Sequence[str], image: str = IMAGE) -> list[str]:
    """All that is set in a job for the cluster, as `--set` takes it."""
    overrides = [*settings, f"kubernetes.image={image}", "kubernetes.cpu=1", "kubernetes.memory=512Mi"]
    if (folder / "make_input.py").exists():
        patch = MAKE_INPUT % {"image": image, "copy": COPY, "run": RUN}
        overrides.append(f"kubernetes.patch={patch}")
    return overrides


def main() -> None:
    """Write the folder."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--image", default=IMAGE, help=f"the image that the pods run (default: {IMAGE})")
    image = parser.parse_args().image
    for name, text in shipped(Path("jobs"), image):
        LocalStore(FOLDER).put(name, [text.encode()])
        print(f"wrote {FOLDER / name}")


if __name__ == "__main__":
    main()
