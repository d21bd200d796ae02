"""The XKS proxy API v1.0.3 as facts: no I/O, no clock, no randomness, no state.

The source of every rule here is AWS's "External Key Store Proxy API Specification",
version 1.0.3 of May 15, 2024 (aws/aws-kms-xksproxy-api-spec, xks_proxy_api_spec.md).
Comments name its sections. This room imports nothing else of ours.

=============  =========================================================
``http``       a request and a response as data
``errors``     error names, their HTTP statuses, who may return them
``limits``     every size, count and pattern
``uri``        which path means which operation on which external key
``encoding``   strict JSON and strict Base64
``messages``   the four operations: parse, validate, render
``sigv4``      AWS Signature Version 4: sign and verify
``integrity``  the AAD that binds ciphertextMetadata, and the CDIV
=============  =========================================================
"""

from __future__ import annotations

SPECIFICATION_VERSION = "1.0.3"
