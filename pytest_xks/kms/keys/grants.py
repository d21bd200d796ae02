"""Grants on KMS keys in external key stores; of others moto takes care."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.validation import invalid, require
from pytest_xks.kms.keys.dry_run import end_dry_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.keys.key import XksKey

__all__ = ["Grant", "create_grant", "list_grants", "retire_grant", "revoke_grant"]

Document = dict[str, object]

# Developer Guide, Grants: what a grant on a key for encryption cannot permit.
_OF_OTHER_KEYS = frozenset(
    {
        "Decapsulate",
        "DeriveSharedSecret",
        "Encapsulate",
        "GenerateMac",
        "GetPublicKey",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)
_ENCRYPTION_CONTEXTS = ("EncryptionContextSubset", "EncryptionContextEquals")
_PAIRS_MAX = 8
_VALUE_MAX_LENGTH = 384
_KEPT = (
    "Name",
    "GranteePrincipal",
    "RetiringPrincipal",
    "GranteeServicePrincipal",
    "RetiringServicePrincipal",
    "Operations",
    "Constraints",
)
_FILTERS = ("GrantId", "GranteePrincipal", "GranteeServicePrincipal")


@dataclass(slots=True)
class Grant:
    """A grant. It stands among moto's at the key, and has what moto asks of one."""

    parameters: Mapping[str, object]
    """Those of CreateGrant that stay."""
    key_arn: str
    issuing_account: str
    created: float
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    tokens: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        """One of its tokens."""
        return self.tokens[0]

    @property
    def retiring_principal(self) -> object:
        """Who may retire it."""
        return self.parameters.get("RetiringPrincipal")

    def to_json(self) -> Document:
        """The GrantListEntry; a member that was not given is absent."""
        return {
            "KeyId": self.key_arn,
            "GrantId": self.id,
            "CreationDate": self.created,
            "IssuingAccount": f"arn:aws:iam::{self.issuing_account}:root",
            **self.parameters,
        }


def create_grant(context: Context, call: Call) -> Document | None:
    """CreateGrant."""
    key = context.trace.named["KeyId"].key
    if key is None:
        end_dry_run(call)
        return None
    kept = {name: call.parameters[name] for name in _KEPT if name in call.parameters}
    _check(kept)
    end_dry_run(call)
    grant = _same(key, kept)
    if grant is None:
        now = context.clock.now().timestamp()
        grant = Grant(kept, key.arn, call.account_id, now)
        key.grants[grant.id] = grant
    # "The returned grant token is unique with every CreateGrant request".
    token = secrets.token_urlsafe(96)
    grant.tokens.append(token)
    return {"GrantId": grant.id, "GrantToken": token}


def _same(key: XksKey, parameters: Mapping[str, object]) -> Grant | None:
    """The grant that a request with a Name made before, if it had the same members."""
    if "Name" not in parameters:
        return None
    grants: Iterable[Grant] = key.grants.values()
    return next((each for each in grants if each.parameters == parameters), None)


def _check(parameters: Mapping[str, object]) -> None:
    if "GranteeServicePrincipal" not in parameters:
        require(parameters, ["GranteePrincipal"])
    given = parameters["Operations"]
    operations = set(given) if isinstance(given, list) else set()
    if not operations:
        raise invalid("Grants must contain at least one operation.")
    if operations == {"CreateGrant"}:
        raise invalid("Grants must not contain only the CreateGrant operation.")
    if foreign := sorted(operations & _OF_OTHER_KEYS):
        raise invalid(
            f"Operations [{', '.join(foreign)}] are not valid for a key with the key "
            "usage ENCRYPT_DECRYPT."
        )
    constraints = parameters.get("Constraints")
    if isinstance(constraints, dict):
        _check_constraints(constraints)


def _check_constraints(constraints: Mapping[str, Mapping[str, str]]) -> None:
    contexts = [
        constraints[each] for each in _ENCRYPTION_CONTEXTS if constraints.get(each)
    ]
    if len(contexts) > 1:
        raise invalid("More than one constraint supplied")
    for pairs in contexts:
        # CreateGrant, Constraints: "up to 8 encryption context pairs", "cannot exceed
        # 384 characters".
        if len(pairs) > _PAIRS_MAX or any(
            len(value) > _VALUE_MAX_LENGTH for value in pairs.values()
        ):
            raise invalid(
                f"A constraint has at most {_PAIRS_MAX} pairs, and values of at most "
                f"{_VALUE_MAX_LENGTH} characters."
            )


def list_grants(context: Context, call: Call) -> Document | None:
    """ListGrants; the pages are made of it later."""
    key = context.trace.named["KeyId"].key
    if key is None:
        return None
    wanted = {name: call.text(name) for name in _FILTERS if call.text(name)}
    entries = [grant.to_json() for grant in key.grants.values()]
    found = [each for each in entries if wanted.items() <= _filterable(each).items()]
    return {"Grants": found, "Truncated": False}


def _filterable(entry: Document) -> Document:
    return {name: entry.get(name) for name in _FILTERS}


def retire_grant(context: Context, call: Call) -> Document | None:
    """RetireGrant: "use a grant token, or both the grant ID and a key identifier"."""
    token, grant_id = call.text("GrantToken"), call.text("GrantId")
    if token is None and (grant_id is None or "KeyId" not in call.parameters):
        raise invalid("Specify a GrantToken, or both a GrantId and a KeyId.")
    if token is None:
        return revoke_grant(context, call)
    for region in context.regions():
        if region.name == context.region.name and region.keys.knows_token(token):
            end_dry_run(call)
            region.keys.retire(token)
            return {}
    raise KmsError("InvalidGrantTokenException", "The grant token is not valid.")


def revoke_grant(context: Context, call: Call) -> Document | None:
    """RevokeGrant, and RetireGrant by key and grant."""
    key, grant_id = context.trace.named["KeyId"].key, call.text("GrantId")
    if key is None:
        end_dry_run(call)
        return None
    if grant_id not in key.grants:
        raise KmsError(ErrorCode.NOT_FOUND, f"Grant ID {grant_id} not found")
    end_dry_run(call)
    del key.grants[grant_id]
    return {}
