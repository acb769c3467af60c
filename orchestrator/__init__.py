"""The engine: reads scenarios, runs labs, compares what happened with what was declared."""

from typing import Final

__version__: Final = "0.1.0"
