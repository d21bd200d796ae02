"""Checks of the four operations: their requests, answers, errors and paths."""
