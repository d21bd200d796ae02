"""Faults of authentication, by what a verifier of SigV4 overlooks (Appendix A)."""
