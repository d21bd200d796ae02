"""The fake KMS: external key stores on top of moto's KMS; it never imports the proxy.

From outside: ``fake``, ``served``, ``behaviour``, ``faults``, ``sessions``.
"""

from __future__ import annotations
