"""What of a task would race on threads: found by reading it (lint) and by running it (probe)."""
