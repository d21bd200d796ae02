"""HTTP over real sockets: one client, one server, TLS, and tricks with connections.

It knows no XKS but the shape of a request. From outside, everything may be imported.
"""
