"""External key stores: the six operations on them, states, uniqueness, quota, VPC.

From outside of ``kms``: ``vpc``.
"""

from __future__ import annotations
