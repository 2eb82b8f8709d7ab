"""The examples in the store's documentation are true."""

from __future__ import annotations

import doctest

from adapters.store import schema


def test_examples():
    failed, tried = doctest.testmod(schema)
    assert (failed, tried > 0) == (0, True)
