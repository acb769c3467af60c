"""What a conclusion cites: PDU traces in words, and the log lines of a phase."""

from orchestrator.evidence.archive_log import log_lines, log_window
from orchestrator.evidence.pdu import outcome_of, render

__all__ = ["log_lines", "log_window", "outcome_of", "render"]
