"""TOML files of users, in and out: target files and baselines.

From outside: ``reading`` and ``writing``; they know nothing of what the files mean.
"""

from __future__ import annotations
