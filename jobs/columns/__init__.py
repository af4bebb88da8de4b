"""Distances for a table of coordinates."""
