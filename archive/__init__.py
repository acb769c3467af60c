"""The simulated archive: behaves as a vendor profile says; ``python -m archive``."""
