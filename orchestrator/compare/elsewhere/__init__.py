"""What another Python runs: the standard library alone, in what Python 3.9 knows, imported as a package of its own."""
