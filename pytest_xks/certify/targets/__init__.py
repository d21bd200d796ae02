"""What is certified: target files, the environment, our own mocks, and their preflight.

From outside: ``ready``; the suite imports ``proxy_target`` and ``kms_target`` (data).
"""

from __future__ import annotations
