"""What every test shares: pytester, and how hypothesis looks for examples."""

from __future__ import annotations

import signal

from hypothesis import settings

pytest_plugins = ["pytester"]

# The same examples in every run, so that a failure belongs to a change; no deadline,
# because a busy machine is no bug; no database in the checkout.
settings.register_profile(
    "ours", derandomize=True, deadline=None, database=None, max_examples=60
)
settings.load_profile("ours")

# Whoever starts the tests in the background lets SIGINT be ignored, in their children
# too; some of them are about Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
