"""The fake KMS: external key stores on top of moto's KMS.

The way of a request: boto3 -> moto -> ``steps``             what a fault can replace
``faults``            named misbehaviours: one catalogue for everyone
``moto_bridge`` -> ``responses`` -> ``models``
-> ``proxy_client`` -> transport -> the external key store proxy, and back the same way.
``fake`` holds it all together and is what users meet.

====================  ================================================================
``fake``              ``FakeKms``: what users hold
``mocking``           ``mock_xks``, for those who use ``mock_aws`` by hand
``handles``           a key store and a key, as the fixtures give them
``responses``         one function for each operation of the KMS API
``models``            external key stores and their states
``key_stores``        the six operations on custom key stores
``key_management``    CreateKey, and the operations that change a key's state
``store_parameters``  what Create/UpdateCustomKeyStore take, and what comes of it
``uniqueness``        what no two key stores may share
``call``              one call of the KMS API, and where it came from
``key_states``        what each operation answers in each state of a key
``cryptography``      double encryption: KMS's own material, then the external key
``blob``              the ciphertext blob
``proxy_client``      sign, send, 250 ms, one retry
``answers``           what counts as an answer of a proxy
``failures``          proxy failure -> exception and message, as one table
``exceptions``        the exceptions of the KMS API
``behaviour``         switches for the places where AWS contradicts itself
``validation``        what the KMS API accepts as input
``network``           which socket a host name leads to, and whom TLS trusts
``vpc``               VPC endpoint services, as far as KMS looks at them
``cloudtrail``        events, as a list
``metrics``           the XKS metrics in CloudWatch
``alarms``            CloudWatch alarms on them
``logs``              the proxy's error messages in CloudWatch Logs
``quota``             the request quota of a custom key store
``server``            the KMS API over HTTP, for whoever serves it
``sessions``          boto3 without the user's profiles
``rendering``         what goes back to callers
``host``              what stands behind moto's requests
``moto_bridge``       the only file that touches moto
``everywhere``        a pytest plugin: the fake behind every ``mock_aws`` of a run
====================  ================================================================

The numbers ``KMS-<SECTION>-<nnn>`` in comments are the statements of the catalogue of
what AWS documents about the KMS side, the requirements of the KMS suite.

This room never imports ``pytest_xks.proxy``: a transport is handed to it from outside.
"""

from __future__ import annotations
