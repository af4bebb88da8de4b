"""JobSpec → Kubernetes objects: pure functions; nothing here talks to a cluster or reads a file."""
