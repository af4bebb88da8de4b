"""A task: the user's function, what it declares about itself, and how a thread binds it."""
