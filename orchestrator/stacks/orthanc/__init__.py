"""Orthanc: registers itself as ``orthanc``."""

from orchestrator.stacks.orthanc import stack

__all__ = ["stack"]
