"""Many clients at once meet no failure that no fault caused, on whatever machine."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from pytest_xks.serve.xks_server import XksServer

CLIENTS = 100
HEADERS = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "TrentService.Encrypt",
}


@pytest.fixture(scope="module")
def server():
    """One for all."""
    with XksServer() as server:
        yield server


def test_a_hundred_clients(server):
    """They begin at the same moment, and none of them is told that a proxy is late."""
    key = server.create_key_store().create_key(server.spare_key())
    address = server.kms_endpoint_url.removeprefix("http://")
    body = json.dumps({"KeyId": key.key_id, "Plaintext": "aGVsbG8="})
    ready = Barrier(CLIENTS)

    def client(_):
        ready.wait()
        with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
            for _ in range(8):
                connection.request("POST", "/", body, HEADERS)
                response = connection.getresponse()
                text = response.read().decode()
                yield response.status, "" if response.status == 200 else text

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = clients.map(lambda number: list(client(number)), range(CLIENTS))
        seen = Counter(each for of_one in answers for each in of_one)

    assert {(200, ""): 8 * CLIENTS} == seen
