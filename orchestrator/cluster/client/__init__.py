"""The only modules that talk to the API server; the `kubernetes` package is imported here, inside functions."""
