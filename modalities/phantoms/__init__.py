"""What families draw: phantoms that several of them share."""
