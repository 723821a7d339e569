"""One declaration, four uses: each annotation has a space, and values survive the way there and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sandbox.errors import PluginError
from sandbox.scenario import Frozen
from sandbox.spaces import FreeText, SharingEncoder, decode, encode, space_of


class Plain(Frozen):
    kind: Literal["plain"] = "plain"
    price: int = Field(ge=0, le=10_000)


class Rich(Frozen):
    kind: Literal["rich"] = "rich"
    side: Literal["left", "right"]
    words: str = Field("", max_length=50)
    maybe: int | None = Field(None, ge=-3, le=3)
    share: float = Field(gt=0, lt=1)
    flags: tuple[bool, ...] = ()
    names: Mapping[str, int] = {}
    parts: list[Plain] = Field(default_factory=list)


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
PLAIN = st.builds(Plain, price=st.integers(0, 10_000))
RICH = st.builds(
    Rich,
    side=st.sampled_from(["left", "right"]),
    words=st.text(max_size=50),
    maybe=st.none() | st.integers(-3, 3),
    share=st.floats(0, 1, exclude_min=True, exclude_max=True),
    flags=st.lists(st.booleans(), max_size=3).map(tuple),
    names=st.dictionaries(st.text(), st.integers(-(10**12), 10**12), max_size=3),
    parts=st.lists(PLAIN, max_size=2),
)
INTEGERS = st.integers(-(10**12), 10**12)
TABLE = [
    (bool, st.booleans(), spaces.Discrete(2)),
    (Annotated[int, Field(ge=3, le=7)], st.integers(3, 7), spaces.Discrete(5, start=3)),
    (Annotated[int, Field(gt=3, lt=7)], st.integers(4, 6), spaces.Discrete(3, start=4)),
    (int, INTEGERS, spaces.Box(-(10**12), 10**12, (), np.int64)),
    (Annotated[int, Field(ge=0)], st.integers(0, 10**12), spaces.Box(0, 10**12, (), np.int64)),
    (Annotated[int, Field(ge=0, le=2**60)], st.integers(0, 2**60), spaces.Box(0, 2**60, (), np.int64)),
    (Annotated[float, Field(ge=0, le=1)], st.floats(0, 1), spaces.Box(0, 1, (), np.float64)),
    (Literal["a", "b"], st.sampled_from(["a", "b"]), spaces.Discrete(2)),
    (Annotated[str, Field(max_length=9)], ANY_TEXT.map(lambda text: text[:9]), FreeText(9)),
    (int | None, st.none() | INTEGERS, spaces.OneOf([spaces.Discrete(1), spaces.Box(-(10**12), 10**12, (), np.int64)])),
    (tuple[bool, ...], st.lists(st.booleans(), max_size=4), spaces.Sequence(spaces.Discrete(2))),
    (list[Literal["x", "y"]], st.lists(st.sampled_from("xy"), max_size=4), spaces.Sequence(spaces.Discrete(2))),
    (
        dict[str, bool],
        st.dictionaries(st.text(), st.booleans(), max_size=3),
        spaces.Sequence(spaces.Tuple([FreeText(), spaces.Discrete(2)])),
    ),
    (tuple[bool, str], st.tuples(st.booleans(), st.text()), spaces.Tuple([spaces.Discrete(2), FreeText()])),
    (Plain, PLAIN, spaces.Dict({"price": spaces.Discrete(10_001)})),
    (Plain | Rich, PLAIN | RICH, None),
    (Annotated[Plain | Rich, Field(discriminator="kind")], PLAIN | RICH, None),
    (Plain | Rich | None, st.none() | PLAIN | RICH, None),
]


@pytest.mark.parametrize(("annotation", "values", "space"), TABLE, ids=[str(row[0])[:40] for row in TABLE])
def test_every_annotation_of_the_table_has_its_space_and_survives_the_way_there_and_back(
    annotation: Any, values: st.SearchStrategy[Any], space: spaces.Space[Any] | None
) -> None:
    if space is not None:
        assert space_of(annotation) == space
    adapter = TypeAdapter(annotation)

    @settings(max_examples=40)
    @given(values)
    def check(value: Any) -> None:
        member = encode(annotation, value)
        assert space_of(annotation).contains(member)
        back = decode(annotation, member)
        if isinstance(value, tuple | list):
            assert list(back) == list(value)
        elif isinstance(value, BaseModel):
            assert adapter.validate_python(back) == value
        else:
            assert back == value

    check()


class Past(BaseModel):
    model_config = ConfigDict(frozen=True)

    number: int
    acts: tuple[tuple[float, ...], ...] = ()


class Open(BaseModel):
    """Nothing says that it stays as it is."""

    number: int


class Seen(BaseModel):
    model_config = ConfigDict(frozen=True)

    table: Past
    total: float
    history: tuple[Past, ...]
    others: tuple[Open, ...] = ()


def test_records_are_encoded_once_and_no_observation_can_change_what_another_tells() -> None:
    """A long history is seen again at every step: its arrays made anew were four fifths of what a step cost."""
    encoded = SharingEncoder(Seen)
    table, rounds = Past(number=9, acts=((3.0, 0.5),)), [Past(number=n, acts=((n / 2,), ())) for n in range(4)]
    seen = [Seen(table=table, total=n, history=tuple(rounds[:n])) for n in (0, 1, 2, 3, 4, 2, 0)]
    members = [encoded(one) for one in seen]
    for one, member in zip(seen, members, strict=True):
        assert space_of(Seen).contains(member)
        assert decode(Seen, member) == decode(Seen, encode(Seen, one))
    earlier, later = members[3], members[4]
    assert earlier["history"][2]["number"] is later["history"][2]["number"]
    for array in (earlier["history"][0]["acts"][0][0], earlier["table"]["number"]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 7
    earlier["history"][0]["number"] = earlier["table"]["number"] = None
    earlier["total"][...] = 7.0
    assert decode(Seen, encoded(seen[3])) == decode(Seen, encode(Seen, seen[3]))


def test_a_model_that_may_change_is_encoded_anew() -> None:
    encoded = SharingEncoder(Seen)
    other = Open(number=1)
    seen = Seen(table=Past(number=0), total=0.0, history=(), others=(other,))
    encoded(seen)
    other.number = 2
    assert encoded(seen)["others"][0]["number"] == 2


@pytest.mark.parametrize("annotation", [row[0] for row in TABLE], ids=[str(row[0])[:40] for row in TABLE])
def test_every_sampled_member_is_a_value_of_the_type(annotation: Any) -> None:
    """Gymnasium's checker samples actions, and a random agent does: bounds must hold, inside `X | None` too."""
    space, adapter = space_of(annotation), TypeAdapter(annotation)
    space.seed(0)
    for _ in range(50):
        adapter.validate_python(decode(annotation, space.sample()))


def test_the_same_type_gives_the_same_space_object() -> None:
    """PettingZoo compares them by identity."""
    assert space_of(Rich) is space_of(Rich)
    assert space_of(TABLE[1][0]) is space_of(TABLE[1][0])


def test_constant_fields_are_not_in_the_space_and_come_back() -> None:
    assert "kind" not in space_of(Rich).spaces
    assert decode(Plain, {"price": 3}) == {"kind": "plain", "price": 3}


def test_a_union_member_carries_the_index_of_its_exact_model() -> None:
    class Dearer(Plain):
        kind: Literal["plain"] = "plain"
        extra: bool = False

    assert encode(Plain | Dearer, Dearer(price=1))[0] == 1
    with pytest.raises(PluginError, match="Rich is none of Plain, Dearer"):
        encode(Plain | Dearer, Rich(side="left", share=0.5))


@pytest.mark.parametrize("annotation", [bytes, Any, set[int], dict[int, str], int | str, object, list, dict])
def test_an_annotation_without_a_space_is_an_error_that_says_which_have_one(annotation: Any) -> None:
    with pytest.raises(PluginError, match=r"no space for the type .*: use bool, int, float, str, Literal"):
        space_of(annotation)


@given(ANY_TEXT, st.integers(0, 20))
def test_free_text_holds_any_unicode_up_to_its_length(text: str, length: int) -> None:
    assert FreeText(length).contains(text) == (len(text) <= length)


def test_free_text_samples_what_it_holds_and_repeats_with_its_seed() -> None:
    one, other = FreeText(12, seed=3), FreeText(12, seed=3)
    drawn = [one.sample() for _ in range(50)]
    assert drawn == [other.sample() for _ in range(50)]
    assert all(one.contains(text) for text in drawn)
    assert any(not text.isascii() for text in drawn)
    assert FreeText(0).sample() == ""


def test_free_text_is_equal_by_length_and_is_no_other_value() -> None:
    assert FreeText(3) == FreeText(3) != FreeText(4)
    assert len({FreeText(3), FreeText(3)}) == 1
    assert not FreeText(3).contains(7)
    assert not FreeText(3).is_np_flattenable
