"""Profile archives as stacks of the lab, and standing in for a product that is not here."""
