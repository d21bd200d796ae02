"""KMS keys in external key stores: CreateKey, their states, what encrypts with them.

From outside of ``kms``: nothing.
"""

from __future__ import annotations
