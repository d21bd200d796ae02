"""The mock XKS proxy."""
