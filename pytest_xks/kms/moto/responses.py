"""moto's KMS, with external key stores: every request comes through here.

``BaseResponse.dispatch`` makes an instance and calls ``_dispatch``: ``setup_class``
fills in ``body``, ``headers``, ``region``, ``current_account`` and ``access_key``;
``call_action`` answers with status, headers and body. The last three of the first five
have a method that finds them out, and without moto's IAM nothing else is needed.

What a KMS operation means is not decided here; see ``desk.dispatch``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from moto import settings
from moto.iam.models import mark_account_as_visited
from moto.kms.responses import KmsResponse
from werkzeug.exceptions import HTTPException

from pytest_xks.kms.desk.call import Call, new_request_id
from pytest_xks.kms.desk.exceptions import KmsError, internal_error
from pytest_xks.kms.desk.rendering import (
    read_error,
    render_answer,
    render_error,
    render_motos,
)
from pytest_xks.kms.desk.trace import Trace
from pytest_xks.kms.desk.validation import read_parameters
from pytest_xks.kms.faulty import faults_at_work
from pytest_xks.kms.moto.callers import principal_arn
from pytest_xks.kms.moto.installed import installed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.desk.call import Origin
    from pytest_xks.kms.moto.installed import InstalledKms

__all__ = ["XksResponse"]

_TARGET_PREFIX = "TrentService."
# moto answers these with the identifier that it was given. A key id may stay; to every
# other one the answer is the key ARN.
_ECHO_KEY_ID = frozenset(
    {"CancelKeyDeletion", "RotateKeyOnDemand", "ScheduleKeyDeletion", "VerifyMac"}
)
_NEVER = float("inf")


class XksResponse(KmsResponse):
    """moto's KMS, with external key stores."""

    _left_to_moto: tuple[Call, Trace] | None = None
    """A call that the fake does not answer, and its trace."""

    def _dispatch(
        self,
        request: Any,  # noqa: ANN401 - moto's
        full_url: str | None = None,
        headers: Any = None,  # noqa: ANN401 - moto's
    ) -> Any:  # noqa: ANN401 - moto's
        """Answer before moto prepares itself, which takes a tenth of a call's time."""
        kms = installed[-1] if installed else None
        if kms is None:
            return super()._dispatch(request, full_url, headers)
        if not kms.faults.armed:
            return self._dispatch_to(kms, request, full_url, headers)
        occasion = kms.occasion(_operation_of(request.headers), _body_of(request))
        with faults_at_work(kms.faults, occasion):
            return self._dispatch_to(kms, request, full_url, headers)

    def _dispatch_to(
        self,
        kms: InstalledKms,
        request: Any,  # noqa: ANN401 - moto's
        full_url: str | None,
        headers: Any,  # noqa: ANN401 - moto's
    ) -> Any:  # noqa: ANN401 - moto's
        if _needs_moto_first(request):
            return super()._dispatch(request, full_url, headers)
        self.headers = request.headers
        self.querystring: dict[str, Any] = {}
        self.body = _body_of(request)
        self.region = self.get_region_from_url(request, full_url or request.raw_url)
        self.access_key = self.get_access_key()
        self.current_account = self.get_current_account()
        answer = self._answer_of(kms)
        if answer is None:
            return super()._dispatch(request, full_url, headers)
        mark_account_as_visited(
            self.current_account, self.access_key, "kms", self.region
        )
        return answer

    def call_action(self) -> tuple[int, dict[str, str], Any]:
        """Answer what has not been answered yet."""
        kms = installed[-1] if installed else None
        if kms is not None and self._left_to_moto is None:
            # moto's IAM comes first, and moto counts requests there: once is enough.
            try:
                self._authenticate_and_authorize_normal_action()
            except HTTPException:
                return super().call_action()
            self._authorized = True
            answer = self._answer_of(kms)
            if answer is not None:
                return answer
        if kms is None or self._left_to_moto is None:
            return super().call_action()
        return self._answer_of_moto(kms, *self._left_to_moto)

    _authorized = False

    def _authenticate_and_authorize_normal_action(self, resource: str = "*") -> None:
        if not self._authorized:
            super()._authenticate_and_authorize_normal_action(resource)

    def _answer_of(self, kms: InstalledKms) -> tuple[int, dict[str, str], str] | None:
        """The answer of the fake; None if it leaves the call to moto."""
        call, trace = self._call(kms.origin, {}), Trace()
        try:
            call = replace(call, parameters=read_parameters(self.body))
        except KmsError as error:
            return render_error(error, call.request_id)
        try:
            document = kms.answer(call, trace)
        except KmsError as error:
            return self._refused(kms, call, trace, error)
        except Exception as error:  # noqa: BLE001 - a caller gets an answer of KMS
            return self._refused(
                kms, call, trace, internal_error(call.operation, error)
            )
        if document is None:
            self._left_to_moto = call, trace
            return None
        kms.note(call, trace, document, None)
        return render_answer(document, call.request_id)

    def _call(self, origin: Origin, parameters: Mapping[str, object]) -> Call:
        return Call(
            operation=_operation_of(self.headers),
            parameters=parameters,
            account_id=self.current_account,
            region=self.region,
            request_id=new_request_id(),
            principal_arn=origin.principal_arn
            or principal_arn(self.current_account, self.access_key, self.region),
            origin=origin,
            access_key_id=self.access_key,
            user_agent=str(self.headers.get("User-Agent") or ""),
        )

    def _answer_of_moto(
        self, kms: InstalledKms, call: Call, trace: Trace
    ) -> tuple[int, dict[str, str], Any]:
        handed_on = trace.handed_on or call
        self.body = json.dumps(handed_on.parameters)
        self.current_account = handed_on.account_id
        try:
            status, headers, body = super().call_action()
        except Exception as error:  # noqa: BLE001 - likewise
            return self._refused(
                kms, call, trace, internal_error(call.operation, error)
            )
        headers["x-amzn-requestid"] = call.request_id
        error_of_moto = read_error(status, body)
        if error_of_moto is None:
            try:
                body = json.dumps(kms.completed(call, _document(call, trace, body)))
            except KmsError as error:
                return self._refused(kms, call, trace, error)
        kms.note(call, trace, None, error_of_moto)
        return render_motos(call, status, headers, body)

    def _refused(
        self, kms: InstalledKms, call: Call, trace: Trace, error: KmsError
    ) -> tuple[int, dict[str, str], str]:
        kms.note(call, trace, None, error)
        return render_error(error, call.request_id)


def _document(call: Call, trace: Trace, body: Any) -> dict[str, Any]:  # noqa: ANN401 - moto's
    """moto's answer, which may be a null for no members."""
    document: dict[str, Any] = json.loads(body) or {}
    named = trace.named.get("KeyId")
    if named and call.operation in _ECHO_KEY_ID and call.text("KeyId") != named.id:
        document["KeyId"] = named.arn
    return document


def _needs_moto_first(request: Any) -> bool:  # noqa: ANN401 - moto's
    """Whether moto authorizes requests, or has to unpack this one."""
    if settings.INITIAL_NO_AUTH_ACTION_COUNT != _NEVER:
        return True
    return bool(request.headers.get("Content-Encoding"))


def _operation_of(headers: Any) -> str:  # noqa: ANN401 - moto's
    target = str(headers.get("X-Amz-Target") or "")
    return target.removeprefix(_TARGET_PREFIX)


def _body_of(request: Any) -> Any:  # noqa: ANN401 - moto's
    # moto 5.0 hands over botocore's request, newer ones a request of werkzeug.
    return request.data if hasattr(request, "data") else request.body
