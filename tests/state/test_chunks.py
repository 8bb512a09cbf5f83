"""A state cut into pieces, and put together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state_backend_dynamodb.chunks import CHUNK_BYTES, pack, unpack
from state_backend_dynamodb.errors import UnreadableStateError

pytestmark = pytest.mark.any_version

ITEM_LIMIT = 400 * 1024
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(st.text(), JSON, max_size=5)


@given(document=DOCUMENTS, chunk_bytes=st.integers(1, 200))
def test_what_was_cut_is_whole_again(document: dict[str, Any], chunk_bytes: int) -> None:
    """Any JSON, in chunks of any length; each but the last one is full."""
    packed = pack(document, chunk_bytes)
    assert unpack(packed) == document
    assert all(len(chunk) == chunk_bytes for chunk in packed[:-1])
    assert 0 < len(packed[-1]) <= chunk_bytes


@given(document=DOCUMENTS)
def test_the_same_state_has_the_same_bytes(document: dict[str, Any]) -> None:
    """No time of packing is in them."""
    assert pack(document) == pack(document)


@given(document=DOCUMENTS, drop=st.integers(0, 10))
def test_a_chunk_too_few_is_noticed(document: dict[str, Any], drop: int) -> None:
    """Whichever it is."""
    packed = pack(document, 10)
    left = list(packed)
    del left[drop % len(left)]
    with pytest.raises(UnreadableStateError):
        unpack(left)


def test_an_item_has_room_for_a_chunk_and_the_longest_keys() -> None:
    """DynamoDB counts names and keys, of which `id` takes 2 KB and `part` 1 KB at most."""
    assert CHUNK_BYTES + 2048 + 1024 + len("idpartcontent") < ITEM_LIMIT
