"""The checks of KMS emulators: boto3 against an endpoint URL, and a look at its calls.

The folders are AWS's topics; ``client/`` has what they share. Values are literals.
"""
