"""What names an item: inputs make keys, outputs write them, the ledger keeps them.

A file's key is its path below the source's root as `os.fsdecode` gives it, so a name that is not UTF-8 carries
lone surrogates. A number of a range is its own key.
"""

type Key = str | int
