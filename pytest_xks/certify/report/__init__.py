"""Readers of one result: text, JSON and the rest."""
