"""Named misbehaviours of the mock XKS proxy, by subject, in one catalogue.

From outside, ``CATALOGUE`` of ``catalogue`` may be imported, and nothing else.
"""
