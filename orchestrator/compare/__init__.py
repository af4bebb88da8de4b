"""The same job on our threads, on processes, interpreters and a Redis fleet: what each costs, measured side by side."""
