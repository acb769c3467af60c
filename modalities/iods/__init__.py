"""What families share: modules and macros of PS3.3, and references between objects."""
