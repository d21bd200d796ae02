"""Test software around AWS KMS external key stores (XKS) without AWS.

What this module exports is public, and nothing else is: where it lives may change.

Importing it is free: nothing is loaded before it is asked for, because pytest imports
the package in every run of everybody who has it installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.clock import Clock as Clock
    from pytest_xks.clock import SimulatedClock as SimulatedClock
    from pytest_xks.clock import SystemClock as SystemClock
    from pytest_xks.faults.armed import ArmedFault as ArmedFault
    from pytest_xks.handles import KeyHandle as KeyHandle
    from pytest_xks.handles import KeyStoreHandle as KeyStoreHandle
    from pytest_xks.http.certificates import BadCertificate as BadCertificate
    from pytest_xks.http.certificates import Certificate as Certificate
    from pytest_xks.http.certificates import (
        CertificateAuthority as CertificateAuthority,
    )
    from pytest_xks.http.certificates import bad_certificate as bad_certificate
    from pytest_xks.http.client import ConnectFailure as ConnectFailure
    from pytest_xks.http.client import ConnectionLost as ConnectionLost
    from pytest_xks.http.client import MalformedResponse as MalformedResponse
    from pytest_xks.http.client import TlsFailure as TlsFailure
    from pytest_xks.http.client import Transport as _ProxyTransport
    from pytest_xks.http.client import TransportError as TransportError
    from pytest_xks.http.client import TransportTimeout as TransportTimeout
    from pytest_xks.kms.behaviour import (
        AccessDeniedAtCreateKey as AccessDeniedAtCreateKey,
    )
    from pytest_xks.kms.behaviour import Behaviour as Behaviour
    from pytest_xks.kms.behaviour import ConnectAgain as ConnectAgain
    from pytest_xks.kms.behaviour import HealthCheckAtUpdate as HealthCheckAtUpdate
    from pytest_xks.kms.behaviour import Messages as Messages
    from pytest_xks.kms.behaviour import (
        MissingPrincipalAtConnect as MissingPrincipalAtConnect,
    )
    from pytest_xks.kms.behaviour import PendingDeletion as PendingDeletion
    from pytest_xks.kms.behaviour import ProxyReliability as ProxyReliability
    from pytest_xks.kms.behaviour import SharedPrivateDnsName as SharedPrivateDnsName
    from pytest_xks.kms.behaviour import Timeouts as Timeouts
    from pytest_xks.kms.behaviour import TlsFailureAtCreate as TlsFailureAtCreate
    from pytest_xks.kms.behaviour import UnavailableMessage as UnavailableMessage
    from pytest_xks.kms.behaviour import (
        UnsupportedOperationAtCreateKey as UnsupportedOperationAtCreateKey,
    )
    from pytest_xks.kms.behaviour import UpdateWhileConnected as UpdateWhileConnected
    from pytest_xks.kms.behaviour import VpcAcceptanceRequired as VpcAcceptanceRequired
    from pytest_xks.kms.behaviour import (
        WrongEncryptionContext as WrongEncryptionContext,
    )
    from pytest_xks.kms.desk.exceptions import KmsError as KmsError
    from pytest_xks.kms.fake import FakeKms as FakeKms
    from pytest_xks.kms.operators.alarms import AlarmState as AlarmState
    from pytest_xks.kms.operators.logs import ProxyLogEntry as ProxyLogEntry
    from pytest_xks.kms.operators.metrics import MetricPoint as MetricPoint
    from pytest_xks.kms.proxy_calls.error_mapping import (
        FailureScenario as FailureScenario,
    )
    from pytest_xks.kms.proxy_calls.error_mapping import ProxyFailure as ProxyFailure
    from pytest_xks.kms.stores.vpc import VpcEndpointService as VpcEndpointService
    from pytest_xks.kms.stores.vpc import VpcProblem as VpcProblem
    from pytest_xks.mocking import FakeKmsWithProxy as FakeKmsWithProxy
    from pytest_xks.mocking import XksMock as XksMock
    from pytest_xks.mocking import mock_xks as mock_xks
    from pytest_xks.plugin import MakeXksKey as MakeXksKey
    from pytest_xks.plugin import MakeXksKeyStore as MakeXksKeyStore
    from pytest_xks.plugin import MakeXksProxy as MakeXksProxy
    from pytest_xks.proxy.admission import Deny as Deny
    from pytest_xks.proxy.admission import RequestQuota as RequestQuota
    from pytest_xks.proxy.health import ExternalKeyManager as ExternalKeyManager
    from pytest_xks.proxy.health import (
        ExternalKeyManagerStatus as ExternalKeyManagerStatus,
    )
    from pytest_xks.proxy.health import ProxyFleet as ProxyFleet
    from pytest_xks.proxy.journal import JournalEntry as JournalEntry
    from pytest_xks.proxy.keys import CannotDecryptError as CannotDecryptError
    from pytest_xks.proxy.keys import ExternalKey as ExternalKey
    from pytest_xks.proxy.keys import ExternalKeyProperties as ExternalKeyProperties
    from pytest_xks.proxy.keys import KeySpec as KeySpec
    from pytest_xks.proxy.keys import KeyStatus as KeyStatus
    from pytest_xks.proxy.keys import KeyUsage as KeyUsage
    from pytest_xks.proxy.mock import MockXksProxy as MockXksProxy
    from pytest_xks.proxy.mock import MockXksProxyOptions as MockXksProxyOptions
    from pytest_xks.proxy.stores import ProxyKeyStore as ProxyKeyStore
    from pytest_xks.proxy_api.errors import Operation as Operation
    from pytest_xks.proxy_api.http import Request as _HttpRequest
    from pytest_xks.proxy_api.http import Response as _HttpResponse
    from pytest_xks.proxy_api.messages import EkmFleetDetail as EkmFleetDetail
    from pytest_xks.proxy_api.messages import HealthStatus as HealthStatus
    from pytest_xks.proxy_api.sigv4 import Credential as Credential
    from pytest_xks.serve.xks_server import ServedProxy as ServedProxy
    from pytest_xks.serve.xks_server import (
        ServerDidNotStartError as ServerDidNotStartError,
    )
    from pytest_xks.serve.xks_server import XksServer as XksServer

    HttpRequest = _HttpRequest
    HttpResponse = _HttpResponse
    ProxyTransport = _ProxyTransport

__version__ = "0.1.0"

# Each public name: the module that has it, and its name there, if that is another.
_PLACES = {
    "AccessDeniedAtCreateKey": "kms.behaviour",
    "AlarmState": "kms.operators.alarms",
    "ArmedFault": "faults.armed",
    "BadCertificate": "http.certificates",
    "Behaviour": "kms.behaviour",
    "CannotDecryptError": "proxy.keys",
    "Certificate": "http.certificates",
    "CertificateAuthority": "http.certificates",
    "Clock": "clock",
    "ConnectAgain": "kms.behaviour",
    "ConnectFailure": "http.client",
    "ConnectionLost": "http.client",
    "Credential": "proxy_api.sigv4",
    "Deny": "proxy.admission",
    "EkmFleetDetail": "proxy_api.messages",
    "ExternalKey": "proxy.keys",
    "ExternalKeyManager": "proxy.health",
    "ExternalKeyManagerStatus": "proxy.health",
    "ExternalKeyProperties": "proxy.keys",
    "FailureScenario": "kms.proxy_calls.error_mapping",
    "FakeKms": "kms.fake",
    "FakeKmsWithProxy": "mocking",
    "HealthCheckAtUpdate": "kms.behaviour",
    "HealthStatus": "proxy_api.messages",
    "HttpRequest": "proxy_api.http:Request",
    "HttpResponse": "proxy_api.http:Response",
    "JournalEntry": "proxy.journal",
    "KeyHandle": "handles",
    "KeySpec": "proxy.keys",
    "KeyStatus": "proxy.keys",
    "KeyStoreHandle": "handles",
    "KeyUsage": "proxy.keys",
    "KmsError": "kms.desk.exceptions",
    "MakeXksKey": "plugin",
    "MakeXksKeyStore": "plugin",
    "MakeXksProxy": "plugin",
    "MalformedResponse": "http.client",
    "Messages": "kms.behaviour",
    "MetricPoint": "kms.operators.metrics",
    "MissingPrincipalAtConnect": "kms.behaviour",
    "MockXksProxy": "proxy.mock",
    "MockXksProxyOptions": "proxy.mock",
    "Operation": "proxy_api.errors",
    "PendingDeletion": "kms.behaviour",
    "ProxyFailure": "kms.proxy_calls.error_mapping",
    "ProxyFleet": "proxy.health",
    "ProxyKeyStore": "proxy.stores",
    "ProxyLogEntry": "kms.operators.logs",
    "ProxyReliability": "kms.behaviour",
    "ProxyTransport": "http.client:Transport",
    "RequestQuota": "proxy.admission",
    "ServedProxy": "serve.xks_server",
    "ServerDidNotStartError": "serve.xks_server",
    "SharedPrivateDnsName": "kms.behaviour",
    "SimulatedClock": "clock",
    "SystemClock": "clock",
    "Timeouts": "kms.behaviour",
    "TlsFailure": "http.client",
    "TlsFailureAtCreate": "kms.behaviour",
    "TransportError": "http.client",
    "TransportTimeout": "http.client",
    "UnavailableMessage": "kms.behaviour",
    "UnsupportedOperationAtCreateKey": "kms.behaviour",
    "UpdateWhileConnected": "kms.behaviour",
    "VpcAcceptanceRequired": "kms.behaviour",
    "VpcEndpointService": "kms.stores.vpc",
    "VpcProblem": "kms.stores.vpc",
    "WrongEncryptionContext": "kms.behaviour",
    "XksMock": "mocking",
    "XksServer": "serve.xks_server",
    "bad_certificate": "http.certificates",
    "mock_xks": "mocking",
}

# Hidden from type checkers, which would take every name for a public one.
if not TYPE_CHECKING:
    __all__ = list(_PLACES)

    def __getattr__(name: str) -> object:
        """Import what is asked for (PEP 562)."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, other_name = _PLACES[name].partition(":")
        return getattr(
            importlib.import_module(f"{__name__}.{module}"), other_name or name
        )

    def __dir__() -> list[str]:
        """The public names, for completion."""
        return sorted({"__version__", *_PLACES})
