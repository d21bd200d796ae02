"""Faults of CreateKey, key states, key management and cryptography.

From outside: nothing; the catalogue imports these files.
"""

from __future__ import annotations
