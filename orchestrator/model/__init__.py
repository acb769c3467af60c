"""What the engine speaks of: frozen data, parsed once."""
