"""Digests of files, as `sha256sum` writes them."""
