"""From a script that uses a pool to a job: what to change, what to mind, and a first job.yaml and task.py."""
