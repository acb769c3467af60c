"""``python -m modalities``: a modality simulator on the command line, and a node's main process."""

from __future__ import annotations

import sys

from modalities.command_line import main

if __name__ == "__main__":
    sys.exit(main())
