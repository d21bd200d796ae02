"""Target files to fill in, every key explained, and what writes them.

From outside, everything in ``templates`` may be imported.
"""
