"""Checks of who is served: signatures, authorization, client certificates, quotas."""
