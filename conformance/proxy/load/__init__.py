"""Many requests at a time; ``wire/`` may import ``load`` and ``concurrency``.

``load`` offers 1,800 requests a second, for ``--load``; ``concurrency`` looks for what
requests share by mistake.
"""
