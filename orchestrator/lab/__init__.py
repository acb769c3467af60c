"""A lab: which nodes, in which state, running where."""
