"""MinHash signatures of normalised text."""
