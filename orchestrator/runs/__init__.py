"""Running: a suite of cells, one cell, its phases."""
