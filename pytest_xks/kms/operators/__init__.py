"""What operators see: CloudTrail events, CloudWatch metrics, alarms and logs.

From outside of ``kms``: the types of what ``FakeKms`` returns.
"""

from __future__ import annotations
