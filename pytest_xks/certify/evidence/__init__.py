"""What a check exchanged: recorded, freed of secrets, and written as a shell line.

The suite may import ``recorder``; all three are for ``certify``.
"""
