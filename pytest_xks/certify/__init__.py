"""The machine that certifies proxies and KMS emulators: ``command`` runs all of it.

From outside: ``command``, ``errors`` and what other commands of the command line need.
The suite takes ``run.outcome``, ``run.session``, ``run.judgement``, targets, evidence.
"""

from __future__ import annotations
