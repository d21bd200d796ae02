"""Faults of requests to the proxy, of reading answers, and of reporting failures.

From outside: nothing; the catalogue imports these files.
"""

from __future__ import annotations
