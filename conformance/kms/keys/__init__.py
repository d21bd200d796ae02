"""Checks of KMS keys in an external key store: creation, management, key states.

``creator`` and ``states`` serve the fixtures; ``stores/`` imports ``states`` too.
"""
