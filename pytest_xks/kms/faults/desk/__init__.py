"""Faults of the protocol, and of the whole API.

From outside: nothing; the catalogue imports these files.
"""

from __future__ import annotations
