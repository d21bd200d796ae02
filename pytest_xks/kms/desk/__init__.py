"""What every call passes: call, context and trace, dispatch, validation, rendering.

From outside of ``kms``: ``exceptions``.
"""

from __future__ import annotations
