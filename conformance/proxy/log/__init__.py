"""Checks of the proxy's own log; they run last, when all others have left traces."""
