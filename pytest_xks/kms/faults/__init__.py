"""Named misbehaviours of the fake KMS, in folders as those of the fake, one catalogue.

From outside, ``CATALOGUE`` of ``catalogue`` may be imported, and nothing else.
"""
