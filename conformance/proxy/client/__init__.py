"""What checks of a proxy share: the XKS client, request bodies, expectations.

Every folder of ``proxy/`` may import from here, and nothing else of the suite does.
"""
