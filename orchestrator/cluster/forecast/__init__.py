"""What a job will take on a cluster of so many nodes, from a run that was measured."""
