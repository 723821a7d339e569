"""What was used lately is kept, and no more than so much of it."""

from __future__ import annotations

from sandbox.recent import Recent, by_object


def test_what_is_asked_for_stays_and_the_rest_is_let_go() -> None:
    memo: Recent[int, str] = Recent(10)
    memo.put(-1, "asked for")
    for key in range(1000):
        memo.put(key, "not asked for")
        assert memo.get(-1) == "asked for"
        assert len(memo) <= 20
    assert memo.get(0) is None
    assert memo.get(999) == "not asked for"


def test_the_bound_is_of_weight() -> None:
    memo: Recent[int, bytes] = Recent(1000)
    for key in range(100):
        memo.put(key, b"", weight=400)
        assert len(memo) <= 4


def test_an_entry_heavier_than_the_room_is_held_alone() -> None:
    memo: Recent[int, str] = Recent(10)
    memo.put(0, "large", weight=99)
    assert memo.get(0) == "large"
    memo.put(1, "other", weight=99)
    memo.put(2, "third", weight=99)
    assert memo.get(0) is None


def test_a_call_with_the_very_objects_is_remembered_and_one_with_equal_ones_is_not() -> None:
    asked = []

    @by_object(10)
    def both(*of: tuple[float, ...]) -> list[tuple[float, ...]]:
        asked.append(of)
        return [*of]

    one, same, other = (1.0, 2.0), (1, 2), (3.0,)
    assert both(one, other) is both(one, other)
    assert both(one, same) is not both(one, other)
    assert (both(same, one), both(one, same)) == ([same, one], [one, same])
    assert list(map(repr, asked)) == ["((1.0, 2.0), (3.0,))", "((1.0, 2.0), (1, 2))", "((1, 2), (1.0, 2.0))"]


def test_remembered_calls_are_bounded() -> None:
    asked = []

    @by_object(10)
    def name(of: object) -> str:
        asked.append(of)
        return repr(of)

    first = object()
    name(first)
    for _ in range(30):
        name(object())
    name(first)
    assert asked.count(first) == 2
