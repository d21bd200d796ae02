"""Calls of the proxy: client, endpoint, network, answers, and what failures become.

From outside of ``kms``: ``ProxyFailure``, which ``check_health`` raises.
"""

from __future__ import annotations
