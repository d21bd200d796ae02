"""The one folder that touches moto: a new release of moto breaks nothing else.

From outside of ``kms``: nothing.
"""

from __future__ import annotations
