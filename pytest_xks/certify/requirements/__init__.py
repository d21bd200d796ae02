"""The catalogue of requirements: where the suite is, what it states, how to show it.

From outside: ``suite.load_catalogue``, ``catalogue`` and ``explain``.
"""

from __future__ import annotations
