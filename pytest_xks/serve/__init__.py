"""``pytest-xks serve``: both mocks over sockets, and the handle of such a subprocess.

From outside, ``serve`` of ``command`` and ``XksServer`` may be imported.
"""
