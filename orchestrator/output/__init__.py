"""What a user sees of a run: progress while it goes on, a table and explanations at its end."""
