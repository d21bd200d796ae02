"""One run of the suite: what is selected, what checks find, what that amounts to.

The suite imports ``outcome``, ``session`` and ``judgement``; ``certify`` the rest.
"""

from __future__ import annotations
