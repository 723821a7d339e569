"""What an agent may do: answers are read strictly, and what agents are told is what is legal."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter

from sandbox.menu import (
    InvalidAction,
    Menu,
    Move,
    MoveRange,
    describe,
    holds,
    kind_of,
    moves,
    read,
    schema,
    show,
    tools,
)
from sandbox.scenario import Frozen


class Offer(Move):
    """Offer a split.

    The other seat may refuse it.
    """

    kind: Literal["offer"] = "offer"
    amount: int
    message: str = Field("", max_length=100)


class Buy(Move):
    """Buy one product."""

    kind: Literal["buy"] = "buy"
    product: int
    gift: bool = False


class Where(Frozen):
    x: int
    y: int


class Go(Move):
    """Go somewhere."""

    kind: Literal["go"] = "go"
    place: Where
    via: tuple[int, ...] = ()


class Accept(Move):
    kind: Literal["accept"] = "accept"


class Wave(Move):
    """Wave: a move without a field of its own kind."""

    hand: Literal["left", "right"]


ACTION: TypeAdapter[Any] = TypeAdapter(Offer | Buy | Go | Accept | Wave)
OFFERS = MoveRange(Offer, {"amount": (0, 100)}, representatives=(Offer(amount=0), Offer(amount=50)))
SILENT = MoveRange(Offer, {"amount": (0, 100)}, {"message": ""}, (Offer(amount=0),))
FORCED = MoveRange(Offer, {"amount": (0, 100)}, {"message": "now"}, (Offer(amount=0, message="now"),))
SHOP = (Buy(product=3), Buy(product=5))


@pytest.mark.parametrize(
    ("menu", "raw", "expected"),
    [
        ((OFFERS, Accept()), {"kind": "offer", "amount": 30, "message": "please"}, Offer(amount=30, message="please")),
        ((OFFERS, Accept()), {"kind": "accept"}, Accept()),
        ((OFFERS, Accept()), Accept(), Accept()),
        ((OFFERS,), {"amount": 0}, Offer(amount=0)),
        (SHOP, {"product": "5"}, Buy(product=5)),
        ((Go(place=Where(x=1, y=2)),), {"place": {"x": 1, "y": 2}}, Go(place=Where(x=1, y=2))),
        ((Wave(hand="left"),), {"kind": "wave", "hand": "left"}, Wave(hand="left")),
        ((Wave(hand="left"),), {"hand": "left"}, Wave(hand="left")),
    ],
)
def test_an_answer_that_means_a_legal_move_is_that_move(menu: Menu, raw: Any, expected: Move) -> None:
    assert read(menu, ACTION, raw) == expected


@pytest.mark.parametrize(
    ("menu", "raw", "code", "said"),
    [
        ((OFFERS, Accept()), None, "unparsed", "no action was found"),
        ((OFFERS, Accept()), "accept", "unparsed", "no action was found"),
        ((OFFERS, Accept()), ["accept"], "unparsed", "no action was found"),
        ((OFFERS, Accept()), {"kind": "buy", "product": 3}, "unknown", "no action 'buy'"),
        ((OFFERS, Accept()), {"kind": ["accept"]}, "unknown", "no action \"['accept']\""),
        ((OFFERS, Accept()), {"kind": None}, "unknown", "no action 'None'"),
        ((OFFERS, Accept()), {"amount": 3}, "schema", "kind: say which action it is"),
        ((OFFERS, Accept()), {}, "schema", "kind: say which action it is"),
        ((OFFERS, Accept()), {"kind": "offer"}, "schema", "amount: Field required"),
        ((OFFERS, Accept()), {"kind": "offer", "amount": 3, "extra": 1}, "schema", "extra: Extra inputs"),
        ((OFFERS, Accept()), {"kind": "offer", "amount": float("nan")}, "schema", "amount"),
        ((OFFERS, Accept()), {"kind": "offer", "amount": 3, "message": "x" * 101}, "schema", "message"),
        ((OFFERS, Accept()), {"kind": "offer", 7: 1}, "schema", "7"),
        ((OFFERS, Accept()), {"kind": "offer", "amount": 101}, "illegal", "offer(amount=101) is not legal now"),
        ((OFFERS, Accept()), Buy(product=3), "illegal", "buy(product=3) is not legal now"),
        (SHOP, {"product": 4}, "illegal", "Legal now: buy(product=3); buy(product=5)"),
        (SHOP, {"product": 3, "gift": True}, "illegal", "gift=True"),
        ((SILENT,), {"amount": 3, "message": "psst"}, "illegal", "psst"),
    ],
)
def test_any_other_answer_is_a_typed_error_that_says_what_is_legal(menu: Menu, raw: Any, code: str, said: str) -> None:
    found = read(menu, ACTION, raw)
    assert isinstance(found, InvalidAction)
    assert (found.code, said in found.message, "Legal now:" in found.message) == (code, True, True), found


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
@pytest.mark.slow
def test_nothing_that_a_model_may_answer_raises(raw: object) -> None:
    for menu in ((OFFERS, Accept()), SHOP, (Accept(),)):
        found = read(menu, ACTION, raw)
        assert isinstance(found, InvalidAction) or holds(menu, found)


def test_the_finite_list_of_a_menu_has_its_moves_and_representatives_in_order() -> None:
    assert list(moves((Accept(), OFFERS, SHOP[0]))) == [Accept(), Offer(amount=0), Offer(amount=50), SHOP[0]]


def test_a_range_holds_its_bounds_and_its_fixed_values_only() -> None:
    assert holds((OFFERS,), Offer(amount=0))
    assert holds((OFFERS,), Offer(amount=100, message="hi"))
    assert not holds((OFFERS,), Offer(amount=-1))
    assert not holds((SILENT,), Offer(amount=5, message="hi"))
    assert not holds((OFFERS,), Accept())

    class Maybe(Move):
        amount: int | None = None

    assert not MoveRange(Maybe, {"amount": (0, 9)}).holds(Maybe())


def test_a_move_and_a_menu_read_as_one_line() -> None:
    assert show(Offer(amount=3)) == "offer(amount=3)"
    assert describe((OFFERS, Accept())) == "offer(amount: 0 to 100, message: str); accept()"
    assert describe((SILENT,)) == "offer(amount: 0 to 100)"
    assert describe(tuple(Buy(product=n) for n in range(50))).endswith("buy(product=39); and 10 more")
    assert kind_of(Wave) == kind_of(Wave(hand="left")) == "wave"


def test_a_tool_narrows_each_parameter_to_what_is_listed() -> None:
    (tool,) = tools(SHOP)
    assert tool == {
        "name": "buy",
        "description": "Buy one product.",
        "parameters": {
            "type": "object",
            "properties": {"product": {"type": "integer", "enum": [3, 5]}},
            "required": ["product"],
            "additionalProperties": False,
        },
    }


def test_a_tool_narrows_a_range_to_its_bounds_and_leaves_out_what_is_fixed_at_its_default() -> None:
    (free,), (silent,), (forced,) = tools((OFFERS,)), tools((SILENT,)), tools((FORCED,))
    assert free["parameters"]["properties"]["amount"] == {"type": "integer", "minimum": 0, "maximum": 100}
    assert free["parameters"]["required"] == ["amount"]
    assert list(silent["parameters"]["properties"]) == ["amount"]
    assert forced["parameters"]["properties"]["message"]["const"] == "now"
    assert forced["parameters"]["required"] == ["amount", "message"], "left out, it would be the default: illegal"
    assert free["description"] == "Offer a split.\n\nThe other seat may refuse it."


def test_a_default_that_is_not_legal_is_not_offered_as_one() -> None:
    (tool,) = tools((Buy(product=3, gift=True),))
    assert tool["parameters"]["properties"]["gift"] == {"type": "boolean", "enum": [True]}
    assert tool["parameters"]["required"] == ["product", "gift"]


def test_values_that_are_objects_or_lists_are_listed_as_json() -> None:
    (tool,) = tools((Go(place=Where(x=1, y=2), via=(1, 2)), Go(place=Where(x=1, y=2))))
    assert tool["parameters"]["properties"]["place"]["enum"] == [{"x": 1, "y": 2}]
    assert tool["parameters"]["properties"]["via"]["enum"] == [[1, 2], []]


def test_a_schema_is_an_alternative_for_each_kind() -> None:
    assert [part["properties"]["kind"] for part in schema((OFFERS, Accept()))["anyOf"]] == [
        {"const": "offer"},
        {"const": "accept"},
    ]
    assert schema((Accept(),)) == {
        "type": "object",
        "properties": {"kind": {"const": "accept"}},
        "required": ["kind"],
        "additionalProperties": False,
    }


MOVES = st.one_of(
    st.builds(Offer, amount=st.integers(-5, 200), message=st.text(max_size=20)),
    st.builds(Buy, product=st.integers(0, 9), gift=st.booleans()),
    st.builds(Go, place=st.builds(Where, x=st.integers(0, 3), y=st.integers(0, 3)), via=st.just(())),
    st.just(Accept()),
)
RANGES = st.builds(
    lambda low, width: MoveRange(Offer, {"amount": (low, low + width)}, representatives=(Offer(amount=low),)),
    st.integers(0, 50),
    st.integers(0, 50),
)


@given(st.lists(MOVES | RANGES, min_size=1, max_size=6).map(tuple))
def test_every_legal_move_fits_the_schema_and_its_tool(menu: Menu) -> None:
    whole, offered = schema(menu), {tool["name"]: tool["parameters"] for tool in tools(menu)}
    for move in moves(menu):
        fields = move.model_dump(mode="json", exclude={"kind"}, exclude_defaults=True)
        assert fits({"kind": kind_of(move), **fields}, whole, whole)
        assert fits(fields, offered[kind_of(move)], offered[kind_of(move)])


@given(st.lists(MOVES | RANGES, min_size=1, max_size=6).map(tuple), MOVES)
def test_what_no_tool_takes_is_not_legal(menu: Menu, move: Move) -> None:
    offered = {tool["name"]: tool["parameters"] for tool in tools(menu)}
    parameters = offered.get(kind_of(move))
    fields = move.model_dump(mode="json", exclude={"kind"}, exclude_defaults=True)
    if parameters is None or not fits(fields, parameters, parameters):
        assert not holds(menu, move)


def fits(value: Any, part: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether a JSON value is valid under a schema: the keywords that ours use, and no other."""
    used = set(part) - {"title", "description", "default", "$defs"}
    known = {"$ref", "anyOf", "type", "enum", "const", "minimum", "maximum", "maxLength"}
    assert used <= known | {"properties", "required", "additionalProperties", "items"}, used
    if "$ref" in part and not fits(value, root["$defs"][part["$ref"].rpartition("/")[2]], root):
        return False
    if "anyOf" in part and not any(fits(value, inner, root) for inner in part["anyOf"]):
        return False
    types = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    if "type" in part and (
        not isinstance(value, types[part["type"]]) or (part["type"] == "integer" and isinstance(value, bool))
    ):
        return False
    if ("enum" in part and value not in part["enum"]) or ("const" in part and value != part["const"]):
        return False
    if (
        not part.get("minimum", float("-inf"))
        <= (value if isinstance(value, int | float) else 0)
        <= part.get("maximum", float("inf"))
    ):
        return False
    if isinstance(value, str) and len(value) > part.get("maxLength", len(value)):
        return False
    if isinstance(value, dict) and "properties" in part:
        return (
            set(part.get("required", ())) <= set(value)
            and (part.get("additionalProperties", True) or set(value) <= set(part["properties"]))
            and all(fits(inner, part["properties"].get(name, {}), root) for name, inner in value.items())
        )
    return not isinstance(value, list) or all(fits(inner, part.get("items", {}), root) for inner in value)
