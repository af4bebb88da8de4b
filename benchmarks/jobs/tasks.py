"""Tasks that do nothing, so that what is left is the runner's own cost."""


def same(item: int) -> int:
    """The item itself."""
    return item


def nothing(item: object) -> None:
    """Nothing."""
