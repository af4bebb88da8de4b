"""Jobs to run as they are, to learn from, and to start from: each folder is one, with its own README."""
