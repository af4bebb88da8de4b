"""What names an item: what inputs give, outputs write and the ledger keeps.

A file's key is its path below the source's root (`os.fsdecode`, so a name that is not UTF-8 carries lone
surrogates); a line's or record's is `name:number`; a number of a range is its own key.
"""

type Key = str | int
