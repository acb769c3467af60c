"""A node's own SCP: the server, what it has taken in, and what its services are made from."""
