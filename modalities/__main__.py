"""``python -m modalities``: a modality simulator on the command line, and a node's main process."""

from __future__ import annotations

import signal
import sys

from modalities.command_line import main

if __name__ == "__main__":
    # whoever asks it to end wants temporary folders removed and associations aborted
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
