"""What checks of a proxy share: the XKS client, probes, expectations.

Every folder of ``proxy/`` may import from here, and nothing else of the suite does.

How a check is written:

- ``proxy.probe(operation, body, altered="…", accept=(…))`` describes a request that
  differs from a good one in a point, and what may come of it: by default ``REFUSED``,
  any 4xx but 429. ``signer``, ``edit`` and ``raw`` alter it, ``look`` looks at an
  accepted answer once more. Nothing is sent yet; it is signed whenever it is sent.
- ``proxy.judge([probe, …])`` sends the probes side by side between their controls: a
  good request for every operation and key store, or those given as ``controls``
  (``proxy.control``, ``proxy.opens``); ``[]`` where the good request is the probe.
- Where the requirement asks for an error by its name, ``accept`` is ``(error(name),)``,
  or what this proxy answers in its place: ``scenarios.invalid(proxy)`` and the others.
- ``proxy.seal()`` makes something to decrypt, ``proxy.sealed()`` has it from before.
- What depends on what came before (a chain, a connection of its own) is called by
  ``proxy.side_by_side([…])``, or one after the other with ``proxy.send``.
"""
