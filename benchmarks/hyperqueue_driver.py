"""Drives HyperQueue: `python hyperqueue_driver.py PACKAGE FOLDER CPUS CWD`; for any GIL-built Python from 3.9 on.

Server and worker live in this process, with their files in FOLDER. Each line of the standard input is a batch, as JSON:
`commands`, one a task, and `wait`: whether to answer, at its end, with the number of tasks that failed. The end of the
input ends it. A task that fails does not end its batch, as with `hq submit`; every other setting is the default.
"""

import json
import os
import sys

package, folder, cpus, cwd = sys.argv[1:]
sys.path.insert(0, package)

from hyperqueue import Job  # noqa: E402 - found in the folder just named
from hyperqueue.cluster import LocalCluster, WorkerConfig  # noqa: E402

# The package prints tables; what is read here is the answers alone.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

with LocalCluster(folder, WorkerConfig(cores=int(cpus))) as cluster:
    client = cluster.client()
    answers.write("0\n")
    for line in sys.stdin:
        batch = json.loads(line)
        job = Job(cwd, max_fails=None)
        for command in batch["commands"]:
            job.program(command, stdout=None, stderr=None)
        submitted = client.submit(job)
        if batch["wait"]:
            client.wait_for_jobs([submitted], raise_on_error=False)
            answers.write(f"{len(client.get_failed_tasks(submitted))}\n")
