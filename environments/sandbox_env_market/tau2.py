"""tau2's retail shop (sierra-research/tau2-bench, `data/tau2/domains/retail`) as goods, and its exchanges as tasks.

`db.json` has product types, each in variants that differ in options and price. Each type becomes a product whose price
is its cheapest variant's; the variants' surcharges make up the rest. There are no brands, ratings or reviews in it, so
none are shown: a rating of 0 from 0 reviews.

Nothing is bought in tau2's tasks: they are talks with a service desk, about cancelling, returning, exchanging and
addresses. What is a choice of goods in them is each item that the reference solution exchanges, or modifies in a
pending order, for another variant. So an item here is one such exchange: buy the variant that the solution picked. What
comes before it (who the customer is, which order, how to pay) and all else in the tasks is not covered. Of the 114
tasks published, 61 have exchanges, which make 87 items; `covered` counts what is left out, and why.

The buyer needs a product of that type and wants each option of the picked variant by more than its variants' prices
differ, so that no other variant is worth as much. Whether it was bought is told by the regret: `right` names products,
and here all depends on the variant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from sandbox.errors import DatasetError
from sandbox_env_market.bill import SHIPPING
from sandbox_env_market.buyers import Buyer
from sandbox_env_market.catalogue import RATING, Product, Spec, Variant
from sandbox_env_market.goods import Goods, ShopItem
from sandbox_env_market.page import money

_Word = Annotated[str, Field(max_length=200)]
_Id = Field(pattern=r"^[A-Za-z0-9_.-]{1,16}$")
_EXCHANGES = ("exchange_delivered_order_items", "modify_pending_order_items")


class _Variant(BaseModel):
    item_id: str = _Id
    options: Mapping[_Word, _Word] = Field(max_length=50)
    available: bool
    price: float = Field(gt=0, le=1e9)


class _Product(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    product_id: str = _Id
    variants: Mapping[str, _Variant] = Field(min_length=1, max_length=10_000)


class _Shop(BaseModel):
    products: Mapping[str, _Product] = Field(min_length=1, max_length=20_000)


class _Action(BaseModel):
    name: str
    arguments: Mapping[str, Any] = {}


class _Criteria(BaseModel):
    actions: Sequence[_Action] | None = None


class _Instructions(BaseModel):
    reason_for_call: str = Field("", max_length=20_000)


class _Scenario(BaseModel):
    instructions: _Instructions | str


class _Task(BaseModel):
    id: str = Field(max_length=200)
    user_scenario: _Scenario
    evaluation_criteria: _Criteria | None = None


class _Tasks(BaseModel):
    tasks: Sequence[_Task]


class Exchange(NamedTuple):
    """One variant for another: the task it is from, and the customer's words there."""

    task: str
    words: str
    old: str
    new: str


def goods(path: str, document: Mapping[str, Any]) -> tuple[Product, ...]:
    """The products of a `db.json`, in its order.

    Raises:
        DatasetError: it is not of that form; all faults are listed.
    """
    return tuple(_product(product) for product in _shop(path, document).products.values())


def items(path: str, document: Mapping[str, Any], tasks: Any, recipe: Goods, precision: str) -> Sequence[ShopItem]:
    """An item per exchange that the shop can serve, in the order of the tasks.

    Args:
        path: of the tasks, for messages.
        document: the `db.json`.
        tasks: the document of `tasks.json`.
        recipe: of the goods.
        precision: `exact`: all options of the variant to buy; `attributes`: those that are to change; `vague`: the
            customer's own words, which may speak of other errands too.

    Raises:
        DatasetError: one of the documents is not of its form; all faults are listed.
    """
    variants = _variants(document, recipe.path)
    made: dict[str, ShopItem] = {}
    for exchange in _exchanges(path, tasks):
        if _reason(exchange, variants):
            continue
        item = _item(exchange, variants, recipe, precision)
        made.setdefault(item.id, item)
    return list(made.values())


def covered(path: str, document: Mapping[str, Any], tasks: Any) -> Mapping[str, int]:
    """How much of the tasks becomes items: `tasks`, `with an exchange`, `items`, and counts of what is left out."""
    variants, counts = _variants(document, path), Counter[str]()
    exchanges = list(_exchanges(path, tasks))
    for exchange in dict.fromkeys((e.task, e.old, e.new) for e in exchanges):
        counts[_reason(Exchange(exchange[0], "", *exchange[1:]), variants) or "items"] += 1
    return {"tasks": len(tasks), "with an exchange": len({exchange.task for exchange in exchanges}), **counts}


def _reason(exchange: Exchange, variants: Mapping[str, tuple[_Product, _Variant]]) -> str:
    """Why an exchange is no item; empty: it is one."""
    if exchange.old not in variants or exchange.new not in variants:
        return "a variant that the shop does not have"
    (product, _), (other, new) = variants[exchange.old], variants[exchange.new]
    if product.product_id != other.product_id:
        return "for another type of product"
    if exchange.old == exchange.new:
        return "for the same variant"
    return "" if new.available else "for a variant that is sold out"


def _shop(path: str, document: Mapping[str, Any]) -> _Shop:
    try:
        return _Shop.model_validate(document)
    except ValidationError as error:
        raise DatasetError.of(path, _said(error)) from None


def _said(error: ValidationError) -> list[str]:
    faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    return faults if len(faults) <= 100 else [*faults[:100], f"... and {len(faults) - 100:,} more"]


def _variants(document: Mapping[str, Any], path: str) -> Mapping[str, tuple[_Product, _Variant]]:
    products = _shop(path, document).products.values()
    return {variant.item_id: (product, variant) for product in products for variant in product.variants.values()}


def _exchanges(path: str, tasks: Any) -> Iterator[Exchange]:
    try:
        read = _Tasks.model_validate({"tasks": tasks}).tasks
    except ValidationError as error:
        raise DatasetError.of(path, _said(error)) from None
    for task in read:
        instructions = task.user_scenario.instructions
        words = instructions if isinstance(instructions, str) else instructions.reason_for_call
        for action in (task.evaluation_criteria and task.evaluation_criteria.actions) or ():
            if action.name in _EXCHANGES:
                old, new = action.arguments.get("item_ids"), action.arguments.get("new_item_ids")
                if isinstance(old, list) and isinstance(new, list):
                    yield from (Exchange(task.id, words, str(a), str(b)) for a, b in zip(old, new, strict=False))


def _cents(dollars: float) -> int:
    return max(1, round(100 * dollars))


def _options(variant: _Variant) -> dict[str, str]:
    # A comma would read as the next option.
    return {name.replace(", ", "; "): value.replace(", ", "; ") for name, value in variant.options.items()}


def _product(product: _Product) -> Product:
    variants = list(product.variants.values())
    cheapest = min(_cents(variant.price) for variant in variants)
    values: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, value in _options(variant).items():
            values.setdefault(name, {})[value] = None
    colours = next((tuple(found) for name, found in values.items() if "color" in name), ("",))
    available = sum(variant.available for variant in variants)
    return Product(
        id=product.product_id,
        brand="",
        title=product.name,
        price=cheapest,
        rating=0.0,
        reviews=0,
        sponsored=False,
        endorsed=False,
        stock=max(1, 99 * available),
        specs=tuple(Spec(name=name, shown=", ".join(found)) for name, found in values.items()),
        comments=(),
        scores={RATING: 0},
        category=product.name.lower(),
        variants=tuple(
            Variant(
                id=variant.item_id,
                name=", ".join(f"{name}: {value}" for name, value in _options(variant).items()),
                extra=_cents(variant.price) - cheapest,
                stock=99 if variant.available else 0,
            )
            for variant in variants
        ),
        colour=colours[0],
    )


def _item(
    exchange: Exchange, variants: Mapping[str, tuple[_Product, _Variant]], recipe: Goods, precision: str
) -> ShopItem:
    product, new = variants[exchange.new]
    before, after = _options(variants[exchange.old][1]), _options(new)
    prices = [_cents(variant.price) for variant in product.variants.values()]
    price = _cents(new.price)
    gain = price // 5 + 2 * SHIPPING
    step = gain + max(prices) - min(prices) + 100  # a variant that lacks one option is not worth its price
    budget = -(-(price * 11 // 10 + SHIPPING) // 100) * 100
    buyer = Buyer(
        value=price + gain - step * len(after),
        budget=budget,
        weights={},
        need=product.name.lower(),
        wants={f"{name}: {value}": step for name, value in after.items()},
    )
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    asked = {
        "exact": f"Buy the {product.name} with {_listed(after)}.",
        "attributes": f"Buy one with {_listed(changed)}, and otherwise the same.",
        "vague": f"What you said of it when you called the shop: {exchange.words}",
    }[precision]
    return ShopItem(
        id=f"{exchange.task}/{exchange.old}/{exchange.new}",
        kind="open",
        category=product.name.lower(),
        task=f"You have a {product.name} with {_listed(before)}, and want another in its place. {asked} "
        f"You can spend {money(budget)}.",
        buyer=buyer,
        products=(),
        goods=recipe,
        query=product.name.lower(),
    )


def _listed(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in options.items())
