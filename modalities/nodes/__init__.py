"""A running node: what it is told, and who carries that out."""
