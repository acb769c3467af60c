"""How fast the simulated modalities are, each beside what else would do it, in one run."""
