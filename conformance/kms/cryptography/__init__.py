"""Checks of the cryptographic operations, data keys and the encryption context.

``calls`` has the operations with good parameters; ``proxy_side/`` imports it too.
"""
