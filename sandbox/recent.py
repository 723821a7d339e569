"""A bounded memo: it keeps what was put or asked for lately, and lets go of the rest."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import wraps
from typing import Any, Generic, TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Recent(Generic[KeyT, ValueT]):
    """Two generations of a dict: when the young one is full it becomes the old one, and the old one is let go.

    What is asked for in the old generation moves to the young one. A list in order of use would forget more exactly,
    at several times the cost of a look-up. Any thread may use it: a race costs an entry, never a wrong one.

    Args:
        room: weight of a generation, in the unit of `put`; at most twice as much is held. It may be changed.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self._young: dict[KeyT, tuple[ValueT, int]] = {}
        self._old: dict[KeyT, tuple[ValueT, int]] = {}
        self._weight = 0

    def __len__(self) -> int:
        """How many entries are held."""
        return len(self._young.keys() | self._old.keys())

    def values(self) -> Iterator[ValueT]:
        """What is held."""
        for value, _ in (self._old | self._young).values():
            yield value

    def get(self, key: KeyT) -> ValueT | None:
        """What was put under `key`, or None."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is None:
                return None
            self.put(key, *found)
        return found[0]

    def put(self, key: KeyT, value: ValueT, weight: int = 1) -> None:
        """Keep `value`, which is not None, under `key`."""
        self._weight += weight
        if self._weight > self.room:
            self._old, self._young, self._weight = self._young, {}, weight
        self._young[key] = (value, weight)


class RecentOf(Generic[ValueT]):
    """The same, of what was made of certain objects: found by these very objects, and not by equal ones.

    They are held for as long as the entry is, so that nothing else has their `id` meanwhile. Nobody may change them.
    """

    def __init__(self, room: int) -> None:
        self._recent: Recent[tuple[int, ...], tuple[tuple[object, ...], ValueT]] = Recent(room)

    def get(self, of: tuple[object, ...]) -> ValueT | None:
        """What was put for these objects, or None."""
        found = self._recent.get(tuple(map(id, of)))
        return None if found is None else found[1]

    def put(self, of: tuple[object, ...], value: ValueT, weight: int = 1) -> None:
        """Keep `value`, made of these objects."""
        self._recent.put(tuple(map(id, of)), (of, value), weight)


def by_object(room: int) -> Callable[[Callable[..., ValueT]], Callable[..., ValueT]]:
    """`functools.lru_cache` for a function of immutable objects that take long to hash, as pydantic's models do.

    The very objects are looked for, by position; what it makes is not None. Equal ones are worked out anew.

    Args:
        room: calls that a generation remembers (see `Recent`).
    """

    def remember(function: Callable[..., ValueT]) -> Callable[..., ValueT]:
        known: RecentOf[ValueT] = RecentOf(room)

        @wraps(function)
        def ask(*of: Any) -> ValueT:
            found = known.get(of)
            if found is None:
                found = function(*of)
                known.put(of, found)
            return found

        return ask

    return remember


class Growing(Generic[ValueT]):
    """What was made of sequences that grow at their end, as a history does: of a longer one only the end is looked at.

    Args:
        room: entries of sequences that a generation holds (see `Recent`).
    """

    def __init__(self, room: int) -> None:
        self._recent: Recent[tuple[Hashable, int], tuple[tuple[Any, ...], ValueT]] = Recent(room)

    def fold(
        self, tag: Hashable, sequence: tuple[Any, ...], start: ValueT, add: Callable[[ValueT, Any], ValueT]
    ) -> ValueT:
        """`add` of each entry in turn, from `start` on; `tag` tells apart what is made of the same in several ways.

        Entries are immutable: what was made of the same objects is not made again.
        """
        for done in (len(sequence), len(sequence) - 1):
            if done > 0:
                found = self._recent.get((tag, id(sequence[done - 1])))
                # Equal tuples of the same objects are found so without a look into them.
                if found is not None and found[0] == sequence[:done]:
                    value = found[1]
                    break
        else:
            done, value = 0, start
        if done == len(sequence):
            return value
        for entry in sequence[done:]:
            value = add(value, entry)
        self._recent.put((tag, id(sequence[-1])), (sequence, value), len(sequence))
        return value
