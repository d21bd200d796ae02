"""Faults of Encrypt and Decrypt, and of the ciphertext data integrity value."""
