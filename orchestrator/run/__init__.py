"""What a run is: a plan made once, a ledger of commits, and the output that follows from both."""
