"""What was observed, judged against what was declared, and said in words."""
