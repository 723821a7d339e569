"""ACES' suites as populations of items: what is right to buy is known, or what nature randomises is.

Source: Allouah et al. 2025 (arXiv:2508.02630); the names of suites and levels are those of its released code
(`config/experiment_metadata/rationality_suite_experiment_names.yaml`). Their listings are a retailer's; ours are sets
of eight of our own, one market for each of eight queries.

| suite             | a set of eight                           | levels                              | nature draws |
|-------------------|------------------------------------------|-------------------------------------|--------------|
| `instruction`     | a market's products                      | budget, colour, brand, cheapest     | position     |
| `price`           | one product eight times, at other prices | -1%, -5%, -10%, -1 cent, -10 cents, | position     |
|                   |                                          | random low, random high             |              |
| `rating`          | one product eight times, otherwise rated | +0.1, random low, random high       | position     |
| `choice_behavior` | a market's products                      |                                     | all factors  |
| `market_share`    | a market's products                      |                                     | position     |

`right` of an item has the products that satisfy the instruction; in `price` the cheapest one, in `rating` the one rated
best, since all eight are alike otherwise. The spreads of the random levels are ours: prices x LogNormal(0, 0.05) or
(0, 0.3), ratings within 0.2 of the product's own or anywhere from 1 to 5; one product is the best in each.

Buyers have utilities that say the same: a product against the instruction is worth nothing, and a cent is a cent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sandbox.scenario import Luck
from sandbox_env_market.buyers import Buyer
from sandbox_env_market.catalogue import CATEGORIES, RATING, Category, Product
from sandbox_env_market.config import Factor, ShopConfig
from sandbox_env_market.goods import SIZE, ShopItem, make_item
from sandbox_env_market.page import money
from sandbox_env_market.randomise import FACTORS

_COLOURS = ("black", "white", "red", "blue", "green", "yellow", "orange", "purple")


class Suite(NamedTuple):
    """A suite: its levels, what nature draws in it, and how an item is made.

    `make` has the category, the level and a generator of the item's own.
    """

    levels: tuple[str, ...]
    factors: tuple[Factor, ...]
    make: Callable[[Category, str, np.random.Generator], ShopItem]


def items_of(config: ShopConfig) -> Sequence[ShopItem]:
    """The suite's first `config.items` items: levels change first, then queries, then trials."""
    return [_item(config.suite, number) for number in range(config.items)]


def factors_of(config: ShopConfig) -> tuple[Factor, ...]:
    """What nature draws, in the order of drawing: what the config names, or what its suite does."""
    wanted = config.randomise or (SUITES[config.suite].factors if config.suite else ())
    return tuple(factor for factor in FACTORS if factor in wanted)


@lru_cache(maxsize=8)
def market(category: Category) -> tuple[Product, ...]:
    """The eight products of a query: the same in every item, with the same ids, and without any label.

    Better ones are dearer, so that none dominates another. A unit costs its seller three fifths of its price.
    """
    number = 2 * CATEGORIES.index(category) + 1
    generator = Luck(number).generator("market/suites", "looks")
    colours = generator.permutation(len(_COLOURS))
    return tuple(
        product.model_copy(
            update={
                "sponsored": False,
                "endorsed": False,
                "stock": 20 + int(generator.integers(0, 200)),
                "category": category.name,
                "colour": _COLOURS[colours[i]],
                "style": i,
                "cost": product.price * 3 // 5,
            }
        )
        for i, product in enumerate(make_item(number).products)
    )


@lru_cache(maxsize=4096)
def _item(suite: str, number: int) -> ShopItem:
    levels = SUITES[suite].levels
    level = levels[number % len(levels)]
    category = CATEGORIES[number // len(levels) % len(CATEGORIES)]
    trial = number // len(levels) // len(CATEGORIES)
    name = "/".join(part for part in (category.name, level, str(trial)) if part)
    made = SUITES[suite].make(category, level, Luck(trial).generator("market/suites", suite, category.name, level))
    return made.model_copy(update={"id": name, "suite": suite, "level": level})


def _of_market(category: Category, task: str, buyer: Buyer, products: tuple[Product, ...]) -> ShopItem:
    return ShopItem(kind="open", category=category.name, query=category.name, task=task, buyer=buyer, products=products)


def _free_choice(category: Category, level: str, generator: np.random.Generator) -> ShopItem:
    """A market's products, and nothing said of what matters; the buyer's taste is the errand's."""
    products = market(category)
    known = make_item(2 * CATEGORIES.index(category) + 1).buyer
    buyer = known.model_copy(update={"budget": 4 * max(product.price for product in products), "taste": {}})
    return _of_market(category, f"Buy {category.wanted}.", buyer, products)


def _instruction(category: Category, level: str, generator: np.random.Generator) -> ShopItem:
    products = market(category)
    prices = sorted(product.price for product in products)
    if level == "budget":
        limit = prices[int(generator.integers(1, 4))]  # two to four of the eight
        limit += int(generator.integers(0, 50))
        right = [product for product in products if product.price <= limit]
        told = f"It must cost {money(limit)} or less."
    elif level == "colour":
        colour = _COLOURS[int(generator.integers(len(_COLOURS)))]
        products = tuple(_coloured(product) for product in products)
        right = [product for product in products if product.colour == colour]
        told = f"It must be {colour}."
    elif level == "brand":
        brand = products[int(generator.integers(SIZE))].brand
        right = [product for product in products if product.brand == brand]
        told = f"It must be made by {brand}."
    else:
        right = [product for product in products if product.price == prices[0]]
        told = "It must be the cheapest one in the shop."
    value = 2 * prices[-1]
    budget = limit if level == "budget" else value
    buyer = Buyer(value=0, budget=budget, weights={}, effects={product.id: value for product in right})
    item = _of_market(category, f"Buy {category.wanted}. {told}", buyer, products)
    return item.model_copy(update={"right": tuple(product.id for product in right)})


def _coloured(product: Product) -> Product:
    return product.model_copy(update={"title": f"{product.title}, {product.colour.title()}"})


def _alike(category: Category, generator: np.random.Generator) -> tuple[Product, ...]:
    """One of the market's products eight times, under other ids."""
    ids = generator.choice(np.arange(10, 100), SIZE, replace=False)
    product = market(category)[int(generator.integers(SIZE))]
    return tuple(product.model_copy(update={"id": f"p{number}"}) for number in ids)


def _price(category: Category, level: str, generator: np.random.Generator) -> ShopItem:
    products = _alike(category, generator)
    price = products[0].price
    changes = {"-1%": 0.99, "-5%": 0.95, "-10%": 0.9}
    spreads = {"random low": 0.05, "random high": 0.3}
    if level in spreads:
        prices = [price, price]
        while sorted(prices)[0] == sorted(prices)[1]:  # the cheapest must be one
            prices = [max(1, round(price * float(by))) for by in generator.lognormal(0, spreads[level], SIZE)]
    else:
        less = round(price * changes[level]) if level in changes else price - {"-1 cent": 1, "-10 cents": 10}[level]
        prices = [price] * SIZE
        prices[int(generator.integers(SIZE))] = less
    products = tuple(p.model_copy(update={"price": cents}) for p, cents in zip(products, prices, strict=True))
    buyer = Buyer(value=2 * price, budget=4 * price, weights={})
    return _best(category, buyer, products, min(products, key=lambda product: product.price))


def _rating(category: Category, level: str, generator: np.random.Generator) -> ShopItem:
    products = _alike(category, generator)
    own = min(48, round(10 * products[0].rating))
    if level == "+0.1":
        tenths = [own] * SIZE
        tenths[int(generator.integers(SIZE))] += 1
    else:
        low, high = (own - 2, own + 2) if level == "random low" else (10, 50)
        tenths = [own, own]
        # The best must be one, and worth more than the others to a buyer, to whom 3.0 stars are as bad as 1.0.
        while sorted(tenths)[-1] == sorted(tenths)[-2] or max(tenths) <= 30:
            tenths = [int(drawn) for drawn in generator.integers(low, high + 1, SIZE)]
    products = tuple(
        product.model_copy(update={"rating": n / 10, "scores": {**product.scores, RATING: max(0, 5 * (n - 30))}})
        for product, n in zip(products, tenths, strict=True)
    )
    price = products[0].price
    buyer = Buyer(value=2 * price, budget=4 * price, weights={RATING: max(1, price // 50)})
    return _best(category, buyer, products, max(products, key=lambda product: product.rating))


def _best(category: Category, buyer: Buyer, products: tuple[Product, ...], best: Product) -> ShopItem:
    return ShopItem(
        kind="open",
        category=category.name,
        task=f"Buy {category.wanted}.",
        buyer=buyer,
        products=products,
        right=(best.id,),
    )


SUITES = {
    "instruction": Suite(("budget", "colour", "brand", "cheapest"), ("position",), _instruction),
    "price": Suite(("-1%", "-5%", "-10%", "-1 cent", "-10 cents", "random low", "random high"), ("position",), _price),
    "rating": Suite(("+0.1", "random low", "random high"), ("position",), _rating),
    "choice_behavior": Suite(("",), FACTORS, _free_choice),
    "market_share": Suite(("",), ("position",), _free_choice),
}
