"""Before a run: what is the matter with the target as a whole, said in a line each.

A mistake of the user's ends the certification here; what the target does wrong goes
first in the report, and the suite judges it.
"""

from __future__ import annotations
