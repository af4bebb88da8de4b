"""Small, upright copies of photos."""
