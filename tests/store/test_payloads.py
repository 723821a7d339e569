import math
import random

import numpy as np
import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import StoreError
from sandbox.store.payloads import Damaged, Packer, Payloads, compress, decode, encode, hash_of
from sandbox.store.redaction import Redaction
from sandbox.text import canonical
from tests.store.conftest import ODD

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner)
)


@given(VALUES)
@pytest.mark.slow
def test_any_json_value_comes_back(value):
    again = decode(encode(value))
    assert again == value
    assert repr(again) == repr(value) or isinstance(value, dict | list)  # -0.0, 1 and 1.0 are told apart


@pytest.mark.parametrize("value", [10**30, -(10**19), ODD, "\ud83d\ude00", 1e300, -0.0, "", [], {}])
def test_values_that_json_libraries_lose_come_back_exactly(value):
    assert repr(decode(encode({"x": [value]}))) == repr({"x": [value]})


def test_nan_and_infinities_are_never_null():
    """orjson writes them as null, which would read as 'nothing was there'."""
    again = decode(encode({"a": math.nan, "b": [math.inf, -math.inf], "c": None}))
    assert math.isnan(again["a"])
    assert again["b"] == [math.inf, -math.inf]
    assert again["c"] is None


def test_nan_inside_a_numpy_array_is_never_null():
    assert math.isnan(decode(encode({"a": np.array([1.0, math.nan])}))["a"][1])


def test_ordinary_values_have_the_canonical_bytes():
    value = {"b": [1, 2.5, None, True], "a": "日本"}
    assert encode(value) == canonical(value)


def test_what_is_no_json_value_is_refused_by_name():
    with pytest.raises(StoreError, match="set is no JSON type"):
        encode({"a": {1, 2}})


def test_broken_json_is_damage():
    with pytest.raises(Damaged, match="cannot be read"):
        decode(b'{"a":')


def kept(packer):
    stored = dict(zip(packer.payloads, compress(list(packer.payloads.values())), strict=True))
    return Payloads(lambda refs: [(ref, stored[ref]) for ref in refs if ref in stored])


def test_equal_values_are_one_payload():
    packer = Packer(Redaction({}))
    assert packer.put({"a": 1, "b": 2}) == packer.put({"b": 2, "a": 1})
    assert len(packer.payloads) == 1


def test_a_missing_payload_is_damage():
    with pytest.raises(Damaged, match="is missing"):
        Payloads(lambda refs: []).value(hash_of(b"x"))


def test_a_changed_payload_is_damage_even_where_it_is_json():
    ref = hash_of(b'{"a":1}')
    for data in (*compress([b'{"a":2}']), b"no frame"):
        with pytest.raises(Damaged, match=r"does not match|cannot be decompressed"):
            Payloads(lambda refs, data=data: [(ref, data)]).value(ref)


def test_compressing_many_is_compressing_each():
    documents = [orjson.dumps({"n": n}) for n in range(3)]
    packer = Packer(Redaction({}))
    refs = [packer.put({"n": n}) for n in range(3)]
    assert list(packer.payloads.values()) == documents
    assert [kept(packer).value(ref) for ref in refs] == [{"n": n} for n in range(3)]
    assert compress([]) == []


def test_what_is_made_of_a_short_frame_is_made_once_and_of_a_long_one_each_time():
    """Steps of scripted agents are equal by the dozen; long ones are never, and would only take room."""
    payloads = Payloads(lambda refs: [])
    made = []

    def build(document):
        made.append(document)
        return [document]

    short, noise = zstandard.compress(b"a\nb"), zstandard.compress(random.Random(1).randbytes(2_000))
    assert payloads.expanded(short, build) is payloads.expanded(short, build)
    assert payloads.expanded(noise, build) == payloads.expanded(noise, build)
    assert len(made) == 3
    for _ in range(2):  # damage is not forgotten either
        with pytest.raises(Damaged, match="cannot be decompressed"):
            payloads.expanded(b"no frame", build)
