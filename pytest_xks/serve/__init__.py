"""A fake KMS and a mock proxy over sockets: ``pytest-xks serve``, and its handle.

From outside: ``command`` for the command line, ``xks_server`` for fixtures.
"""

from __future__ import annotations
