"""What a listener can do wrong before, around and after a request.

Carried out by the listener, its TLS context and its connections. Over a transport
without sockets, what would keep a client from connecting fails there too; the rest has
no effect.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["PREVENTS_CONNECTION", "PREVENTS_TLS", "Trick"]


class Trick(StrEnum):
    """What goes wrong with connections."""

    CONNECTION_REFUSED = "connection-refused"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_WRONG_HOST = "certificate-wrong-host"
    CERTIFICATE_UNKNOWN_CA = "certificate-unknown-ca"
    CERTIFICATE_SELF_SIGNED = "certificate-self-signed"
    OFFERS_UNLISTED_SUITES_ONLY = "offers-unlisted-suites-only"
    OFFERS_TLS_1_1 = "offers-tls-1-1"
    OFFERS_WEAK_SUITES = "offers-weak-suites"
    SERVES_PLAIN_HTTP = "serves-plain-http"
    REFUSES_CLIENTS_WITHOUT_ALPN = "refuses-clients-without-alpn"
    REQUIRES_CLIENT_CERTIFICATE = "requires-client-certificate"
    MTLS_REFUSES_EVERYONE = "mtls-refuses-everyone"
    ACCEPTS_ANY_CLIENT_SUBJECT = "accepts-any-client-subject"
    ACCEPTS_ANY_CLIENT_AUTHORITY = "accepts-any-client-authority"
    ANSWERS_HTTP_1_0 = "answers-http-1-0"
    CLOSES_EVERY_CONNECTION = "closes-every-connection"
    ANSWERS_TWICE = "answers-twice"
    DROPS_CONNECTION_AFTER_ERROR = "drops-connection-after-error"
    SLOW_FIRST_REQUEST = "slow-first-request"
    SERVES_BROKEN_HTTP = "serves-broken-http"
    ACCEPTS_CONFLICTING_LENGTHS = "accepts-conflicting-lengths"
    SLOW_SENDER_BLOCKS_OTHERS = "slow-sender-blocks-others"
    ENDS_AT_LONG_NUMBERS = "ends-at-long-numbers"
    FEW_CONNECTIONS = "few-connections"
    LARGE_BODY_STALLS_SERVICE = "large-body-stalls-service"


PREVENTS_TLS = frozenset(
    {
        Trick.CERTIFICATE_EXPIRED,
        Trick.CERTIFICATE_NOT_YET_VALID,
        Trick.CERTIFICATE_WRONG_HOST,
        Trick.CERTIFICATE_UNKNOWN_CA,
        Trick.CERTIFICATE_SELF_SIGNED,
    }
)
"""The client refuses the certificate."""

PREVENTS_CONNECTION = PREVENTS_TLS | {Trick.CONNECTION_REFUSED}
"""No request reaches the proxy, over whatever transport."""
