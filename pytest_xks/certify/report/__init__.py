"""One result in all its formats: ``build`` makes the document, ``story`` tells it.

From outside: ``output`` and ``json``; ``document`` is the public shape of report.json.
"""

from __future__ import annotations
