"""Checks of custom key stores, one file an operation of the API.

``store_calls`` and ``store_states`` are what they share; ``protocol/`` uses them too.
"""
