"""The checks of XKS proxies, by the chapters of AWS's specification.

``client/`` has what they share. Botocore signs; expected values are literals.
"""
