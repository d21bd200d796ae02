"""What a run exchanged: recorded, freed of secrets, and written as a shell line.

The suite may import ``exchange`` and ``recorder``; the rest is for ``certify``.
"""
