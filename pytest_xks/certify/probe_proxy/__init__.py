"""The suite's own XKS proxy, which a KMS emulator under test must call.

``conformance`` may import ``request``, ``store``, ``probe_proxy`` and ``vocabulary``.
"""
