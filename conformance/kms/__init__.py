"""The checks of the KMS API with external key stores, by its operations.

They speak boto3 against an endpoint URL, and look at what reaches the suite's own mock
XKS proxy. Expected values are literals, after what AWS documents.
"""
