"""Checks of what KMS sends to the proxy, and of what it makes of answers and failures.

``failure_table`` says which failure becomes which exception. Nobody imports from here.
"""
