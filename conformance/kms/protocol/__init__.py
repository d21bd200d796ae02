"""Checks of what every operation has in common: AWS JSON 1.1, errors, Regions."""
