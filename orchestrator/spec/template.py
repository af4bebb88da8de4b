"""What `ftorch init` writes: a job that runs as it is, and says what can be changed."""

from string import Template

JOB = Template("""\
# $name: one call of the task for each item, on every CPU that this machine or container may use.
#
#   ftorch plan job.yaml        what would be done: items, threads and why, what would be written
#   ftorch submit job.yaml      do it; after an interruption, add --resume
#   ftorch schema               every field, its type and default, as a JSON Schema for your editor
#
# Only `task` and `input` are required. What is commented out below shows the default, or an example.

apiVersion: ftorch/v1
kind: Job
name: $name

# A function of one item: ./file.py:function next to this file, or package.module:function.
task: ./task.py:process

# Keyword arguments for the task. `ftorch submit job.yaml --set with.shortest=5` changes one for one run.
with:
  shortest: 1

# Exactly one kind of input. Paths are relative to this file.
input:
  files:                             # each file is an item; the task gets its path, size and content
    root: .
    include: ["**/*.txt", "**/*.md", "**/*.py"]
    exclude: ["out/**", ".*/**"]
  # objects: {url: s3://bucket/in}   # each object of a bucket, downloaded ahead of the task
  # lines: {path: data/input.txt}    # each line of one file or a list of files (also .gz, .zst)
  # jsonl: {path: data/input.jsonl}  # each record
  # csv: {path: data/input.csv}      # each record, as a dict by the header row
  # range: {start: 0, stop: 1000000} # each integer

# One record for each item. The suffix says how: .jsonl, .csv, .txt; `format: tree` is a file an item.
output:
  path: out/results.jsonl
  overwrite: true                    # false refuses to replace an output that exists
  # order: finished                  # as items get done; the default is the order of the input

# resources:
#   threads: auto                    # what the CPU affinity and the container's quota allow; or a number
#   memory: 2Gi

# An item that raises is tried again, then set aside in failures.jsonl; the run goes on.
retry: {attempts: 3, backoff: 1s, max_backoff: 30s}
failures:
  policy: quarantine                 # or stop, at the first item that failed
  max_failed: 1%                     # a number or a percentage; more end the run with exit code 1

# timeout: {item: 60s, job: 2h}

# runtime:
#   free_threading: required         # refuse to run with the GIL on; by default processes take over

# kubernetes: {image: example.org/team/image:tag, nodes: 4, shards: 64, cpu: 16, memory: 32Gi}
# schedule: {cron: "0 2 * * *", time_zone: Etc/UTC, concurrency: Forbid}
""")

TASK = '''\
"""What is done with one item. Many threads call it at the same time: keep what changes in local variables."""


def process(item, shortest=1):
    """Count the lines and the words of a text file.

    Args:
        item: the file, with `path`, `size`, `read_bytes()` and `open()`.
        shortest: from `with:` in job.yaml; words of fewer letters are not counted.

    An exception makes the item a failed one; the run goes on. The result can be anything that JSON can hold.
    """
    text = item.read_bytes().decode("utf-8", errors="replace")
    words = [word for word in text.split() if len(word) >= shortest]
    return {"lines": text.count("\\n"), "words": len(words), "longest": max(words, key=len, default="")}
'''


def render_init(name: str) -> dict[str, str]:
    """The files of a new job: their names, below the job's folder, and their text.

    Args:
        name: the job's name, one that a job file may have.
    """
    return {"job.yaml": JOB.substitute(name=quoted_name(name)), "task.py": TASK}


def quoted_name(name: str) -> str:
    """The name as YAML: in quotes where the bare word would be a number, true or null."""
    from orchestrator.spec.scalars import resolve

    return name if resolve(name) == name else f'"{name}"'
