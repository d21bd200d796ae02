"""What checks of a KMS emulator share: client, key stores and keys, expectations.

Every folder of ``kms/`` may import from here, and nothing else of the suite does.
"""
