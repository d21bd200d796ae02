"""Checks of what only the operator can cause; they run when the others are done."""
