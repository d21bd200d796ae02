"""DryRun: would the request succeed? and DryRunModifiers, without a ciphertext too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.validation import require
from pytest_xks.kms.keys.states import require_usable

if TYPE_CHECKING:
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context

__all__ = ["end_dry_run", "require_ciphertext"]

_IGNORE_CIPHERTEXT = "IGNORE_CIPHERTEXT"


def end_dry_run(call: Call) -> None:
    """A dry run ends here, where nothing stands against the request any more.

    AMBIGUOUS: whether a dry run asks the proxy is not said (KMS-CRYPTO-025). Ours: it
    does not.

    Raises:
        KmsError: DryRunOperationException; it is one.
    """
    if call.parameters.get("DryRun") is True:
        raise KmsError(
            ErrorCode.DRY_RUN,
            "The request would have succeeded, but the DryRun option is set.",
        )


def require_ciphertext(context: Context, call: Call, member: str) -> None:
    """Check that there is a ciphertext; a dry run that ignores it ends here.

    API Reference, Decrypt and ReEncrypt: CiphertextBlob "is required in all cases
    except when DryRun is true and DryRunModifiers is set to IGNORE_CIPHERTEXT", and the
    key has to be named then.

    AMBIGUOUS: "performs only authorization validation": whether the state of the key
    counts is not said. Ours: it does, as in every dry run.

    Args:
        context: what the call names.
        call: Decrypt or ReEncrypt.
        member: names the key of the ciphertext.

    Raises:
        KmsError: DryRunOperationException, ValidationException, or that of a key that
            cannot be used.
    """
    modifiers = call.parameters.get("DryRunModifiers")
    ignored = isinstance(modifiers, list) and _IGNORE_CIPHERTEXT in modifiers
    if not ignored or call.parameters.get("DryRun") is not True:
        require(call.parameters, ["CiphertextBlob"])
        return
    require(call.parameters, [member])
    for key in context.trace.keys:
        require_usable(key, context.behaviour)
    end_dry_run(call)
