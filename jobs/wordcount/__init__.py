"""How often every word occurs."""
