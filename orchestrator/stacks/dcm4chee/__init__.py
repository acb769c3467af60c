"""DCM4CHEE: registers itself as ``dcm4chee``."""

from orchestrator.stacks.dcm4chee import stack

__all__ = ["stack"]
