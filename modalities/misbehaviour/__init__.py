"""Deliberate misbehaviour as data: objects that are wrong, and associations that are.

``alterations`` holds the ways in which an object can be wrong, ``acts`` those in which an SCU can
break the upper layer or DIMSE, one file per layer. Both are plain frozen data with a text form
(``remove PatientID``, ``stall after_bytes=4000 seconds=2``), done byte by byte so that no library
repairs them, deterministic, and bounded in time and bytes.
"""
