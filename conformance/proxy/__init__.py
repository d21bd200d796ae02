"""Checks of XKS proxies, one file a chapter of the specification.

Rule of this folder: nothing here comes from the proxy that is judged, nor from the
mock proxy of this project. Requests are signed by botocore, expected values are
literals from the specification.
"""
