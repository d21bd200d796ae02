"""The requirements on XKS proxies, and the checks that verify them.

``pytest-xks certify`` runs this folder; nobody imports it by name. See README.md for
how a check is written.
"""
