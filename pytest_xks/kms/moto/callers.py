"""Who calls, after moto's IAM and STS."""

from __future__ import annotations

import inspect

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

__all__ = ["principal_arn"]


def principal_arn(account_id: str, access_key: str, region: str) -> str:
    """The caller's ARN, as moto's STS GetCallerIdentity has it."""
    users = iam_backends[account_id]["global"]
    if access_key not in users.access_keys:
        # Credentials that moto did not issue: the common case, and STS's answer to it.
        partition = "aws-cn" if region.startswith("cn-") else "aws"
        return f"arn:{partition}:sts::{account_id}:user/moto"
    backend = sts_backends[account_id]["global"]
    identify = backend.get_caller_identity
    # Newer releases want to know the Region, for its partition.
    arguments = [access_key, region][: len(inspect.signature(identify).parameters)]
    return str(identify(*arguments)[1])
