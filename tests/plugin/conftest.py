"""What the fixtures need is imported before any inner run of pytest.

An inner run in this process forgets the modules that it imported first, and some of
them (cryptography's) cannot be imported twice.
"""

from __future__ import annotations

import pytest_xks.handles
import pytest_xks.kms.fake
import pytest_xks.kms.faults.catalogue
import pytest_xks.proxy.faults.catalogue
import pytest_xks.proxy.mock

pytest_xks.kms.faults.catalogue.CATALOGUE.all()
pytest_xks.proxy.faults.catalogue.CATALOGUE.all()
