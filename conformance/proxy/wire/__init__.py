"""Checks below the operations: HTTP, TLS, hostile input, and how long answers take."""
