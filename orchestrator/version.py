"""The version of ftorch, for every layer."""

__version__ = "0.1.0"
