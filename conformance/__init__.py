"""The requirements on XKS proxies and KMS emulators, and the checks that verify them.

``pytest-xks certify`` runs this folder; nobody imports it. See README.md.
"""
