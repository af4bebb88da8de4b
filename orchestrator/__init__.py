"""ftorch: a batch of CPU-bound work in one free-threaded Python process per node."""

from orchestrator.errors import FtorchError
from orchestrator.tasks.api import Context, Fold, task

__version__ = "0.1.0"

__all__ = ["Context", "Fold", "FtorchError", "__version__", "task"]
