"""DIMSE services as SCP, each once: what is answered, while rules and data are the caller's."""
