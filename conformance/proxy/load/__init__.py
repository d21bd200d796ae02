"""1,800 requests a second, for ``--load``; ``wire/`` may import ``offer_load``."""
