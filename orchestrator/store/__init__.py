"""Where a run's state lives: one small protocol, kept by a folder or by memory."""
