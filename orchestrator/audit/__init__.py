"""What would turn the GIL back on in a job, and what would race: found before it runs."""
