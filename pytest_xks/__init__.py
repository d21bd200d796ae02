"""Test software around AWS KMS external key stores (XKS) without AWS.

Importing this package is free: nothing heavy is loaded before it is asked for, because
pytest imports the package in every run of everybody who has it installed.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
