"""Faults of the six operations on custom key stores.

From outside: nothing; the catalogue imports these files.
"""

from __future__ import annotations
