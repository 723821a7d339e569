"""What the shop can sell: the product model, and eight categories with their attributes and words.

Brands and model names are invented. Ranges are those of the shelves of a mid-sized shop, in the attribute's own unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sandbox.scenario import Frozen
from sandbox_env_market.fields import added

RATING = "rating"
"""The respect in which a product is better that every category has: what other buyers say of it."""


class Spec(Frozen):
    """A line of a product page's table."""

    name: str
    shown: str


class Comment(Frozen):
    """A review: 1 to 5 stars and a sentence."""

    stars: int
    text: str


class Variant(Frozen):
    """A variant of a product (`Colour: red`): `extra` cents on the price, `stock` units left, 0: sold out.

    `worth` is what it adds to the buyer's utility beside the product's own, cents; never shown.
    """

    id: str
    name: str
    extra: int = 0
    stock: int = 99
    worth: int = 0


class Product(Frozen):
    """One product with all that is true of it, also what no page shows.

    Attributes:
        id: stable within its item, drawn at random: says nothing about quality or place.
        price: integer cents.
        rating: 1.0 to 5.0, one decimal; `reviews`: how many ratings it is the mean of.
        sponsored: its seller paid for the label. endorsed: the shop calls it the overall pick. Neither is information.
        stock: units left, at least 1; a page shows it only when it is low.
        specs: what the product page shows of its attributes, the headline ones first.
        scores: respect -> 0 (the worst on the market) to 100 (the best); never shown.
        category: the shelf that it stands on. seller: who offers it. description: the seller's words.
        best_seller: a badge of the shop's.
        delivery: days until it arrives. cost: what a unit costs its seller, cents; never shown.
        variants: what there is to choose between; none: one piece is like the other.
        colour, style: what its picture shows, see `page.Picture`; caption: words printed on the picture.
        was: a struck-through price beside the true one, cents; 0: none. It may be a lie.
        claimed_stock: the "only N left" that the page prints whatever `stock` says; 0: what is true.
    """

    id: str
    brand: str
    title: str
    price: int
    rating: float
    reviews: int
    sponsored: bool
    endorsed: bool
    stock: int
    specs: tuple[Spec, ...]
    comments: tuple[Comment, ...]
    scores: Mapping[str, int]
    category: str = added("")
    seller: str = added("")
    description: str = added("")
    best_seller: bool = added(False)
    delivery: int = added(0)
    cost: int = added(0)
    variants: tuple[Variant, ...] = added(())
    colour: str = added("")
    style: int = added(0)
    caption: str = added("")
    was: int = added(0)
    claimed_stock: int = added(0)


class Attribute(NamedTuple):
    """A measure of a category: its range on the market, which way is better, and the words for it.

    Values are integers from `low` to `high` in steps of `step`; `titled` prints value / `scale` for a title, and
    `unit` follows it on the product page.
    """

    name: str
    low: int
    high: int
    step: int
    titled: str
    unit: str
    scale: int
    more_is_better: bool
    need: str
    praise: str
    blame: str

    def in_title(self, value: int) -> str:
        """The value as a title has it: `12 h Battery`."""
        return self.titled.format(f"{value / self.scale:g}")

    def in_table(self, value: int) -> str:
        """The value as the product page's table has it: `12 h`."""
        return f"{value / self.scale:g} {self.unit}".rstrip()

    def score(self, value: int) -> int:
        """0 for the worst value on the market, 100 for the best; strictly monotone over the steps."""
        points = 100 * (value - self.low) // (self.high - self.low)
        return points if self.more_is_better else 100 - points


class Category(NamedTuple):
    """A shelf: the first two attributes stand in the title, the third only on the product page.

    `cheapest` and `dearest` are the ends of its price range, cents.
    """

    name: str
    noun: str
    wanted: str
    occasions: tuple[str, ...]
    cheapest: int
    dearest: int
    attributes: tuple[Attribute, Attribute, Attribute]


BRANDS = (
    "Veldra", "Korrin", "Tamsul", "Ostwick", "Pellam", "Quarrow", "Brynel", "Solvik", "Harrowby", "Lumeska",
    "Dornach", "Ettrico", "Fennmark", "Ivarra", "Jorvane", "Mirellon",
)  # fmt: skip
MODELS = (
    "Aster", "Brisk", "Cadence", "Delta", "Ember", "Fjord", "Glide", "Harbor", "Iris", "Juniper", "Kestrel", "Linden",
    "Meadow", "Nimbus", "Orbit", "Prairie", "Quill", "Ridge", "Summit", "Tempo",
)  # fmt: skip

CATEGORIES = (
    Category(
        "electric kettles",
        "Electric Kettle",
        "an electric kettle",
        ("for your new kitchen", "for the tea corner at work", "to replace one that leaks"),
        1900,
        8900,
        (
            Attribute("Power", 1500, 3000, 100, "{} W", "W", 1, True, "how fast it boils",
                      "Boils before the toast is done.", "Takes its time to boil."),
            Attribute("Capacity", 10, 20, 1, "{} L", "L", 10, True, "how much it holds",
                      "Fills the teapot and four mugs.", "You refill it for every second cup."),
            Attribute("Noise", 50, 80, 2, "{} dB", "dB", 1, False, "how quiet it is",
                      "You hardly hear it.", "Sounds like a jet taking off."),
        ),
    ),
    Category(
        "wireless earbuds",
        "Wireless Earbuds",
        "a pair of wireless earbuds",
        ("for the train to work", "as a present for your sister", "for long phone calls"),
        2400,
        18900,
        (
            Attribute("Battery", 4, 14, 1, "{} h Battery", "h", 1, True, "how long one charge lasts",
                      "One charge lasts all day.", "Empty by the afternoon."),
            Attribute("Noise cancelling", 10, 45, 1, "{} dB Noise Cancelling", "dB", 1, True, "how well they cut noise",
                      "The train just disappears.", "You still hear everything around you."),
            Attribute("Weight per bud", 40, 90, 2, "{} g", "g", 10, False, "how light they are",
                      "You forget that you wear them.", "They pull at the ears after an hour."),
        ),
    ),
    Category(
        "backpacks",
        "Backpack",
        "a backpack",
        ("for weekend trips", "for the daily way to college", "for a summer of hiking"),
        2900,
        15900,
        (
            Attribute("Volume", 14, 34, 1, "{} L", "L", 1, True, "how much fits in",
                      "Swallows a weekend's luggage.", "Full after a laptop and a jumper."),
            Attribute("Weight", 450, 1450, 50, "{} g", "g", 1, False, "how light it is",
                      "So light that you notice only what is in it.", "Heavy even when empty."),
            Attribute("Warranty", 1, 11, 1, "{} years", "years", 1, True, "how long the warranty runs",
                      "A seam gave way and they replaced it years later.", "The warranty ran out before the zip did."),
        ),
    ),
    Category(
        "desk lamps",
        "LED Desk Lamp",
        "a desk lamp",
        ("for late evenings of study", "for your work bench", "for a dark corner of the office"),
        1800,
        9900,
        (
            Attribute("Brightness", 300, 1200, 50, "{} lm", "lm", 1, True, "how bright it is",
                      "Lights the whole desk.", "Too dim to read by."),
            Attribute("Colour rendering", 70, 98, 1, "CRI {}", "CRI", 1, True, "how true its colours are",
                      "Colours look as in daylight.", "Everything looks a bit green."),
            Attribute("Power draw", 40, 160, 5, "{} W", "W", 10, False, "how little power it draws",
                      "Uses next to no power.", "Gets warm and uses a lot of power."),
        ),
    ),
    Category(
        "office chairs",
        "Office Chair",
        "an office chair",
        ("for working from home", "for your study", "for the reception of a small practice"),
        8900,
        44900,
        (
            Attribute("Recline", 100, 150, 2, "{}° Recline", "degrees", 1, True, "how far it reclines",
                      "Leans back far enough for a nap.", "Hardly leans back at all."),
            Attribute("Height range", 6, 18, 1, "{} cm Height Range", "cm", 1, True, "how far the seat can be raised",
                      "Fits everyone in the family.", "Does not go high enough for my desk."),
            Attribute("Assembly time", 10, 60, 2, "{} min", "min", 1, False, "how quickly it is put together",
                      "Put together in no time.", "Building it took all evening."),
        ),
    ),
    Category(
        "running shoes",
        "Running Shoes",
        "a pair of running shoes",
        ("for your first half marathon", "for runs in the park", "to replace a worn pair"),
        4900,
        18900,
        (
            Attribute("Weight", 190, 340, 10, "{} g", "g", 1, False, "how light they are",
                      "Light as socks.", "They feel like boots."),
            Attribute("Cushioning", 20, 40, 1, "{} mm Cushioning", "mm", 1, True, "how well they are cushioned",
                      "My knees say thank you.", "You feel every stone."),
            Attribute("Outsole life", 400, 1000, 25, "{} km", "km", 1, True, "how long the sole lasts",
                      "Still good after a season.", "The sole was gone in two months."),
        ),
    ),
    Category(
        "power banks",
        "Power Bank",
        "a power bank",
        ("for a week of camping", "for days at trade fairs", "for long flights"),
        1500,
        9900,
        (
            Attribute("Capacity", 5000, 30000, 1000, "{} mAh", "mAh", 1, True, "how much charge it holds",
                      "Kept two phones alive for days.", "Half a phone charge and it is flat."),
            Attribute("Output", 10, 100, 5, "{} W", "W", 1, True, "how fast it charges",
                      "Charges even a laptop quickly.", "Charges at a crawl."),
            Attribute("Weight", 120, 620, 20, "{} g", "g", 1, False, "how light it is",
                      "Fits a shirt pocket.", "A brick in the bag."),
        ),
    ),
    Category(
        "cordless vacuum cleaners",
        "Cordless Vacuum Cleaner",
        "a cordless vacuum cleaner",
        ("for a flat with two cats", "for the holiday home", "to replace the old canister"),
        9900,
        59900,
        (
            Attribute("Suction", 60, 230, 10, "{} AW Suction", "AW", 1, True, "how well it sucks",
                      "Gets the cat hair out of the rug.", "Pushes crumbs around."),
            Attribute("Run time", 20, 70, 2, "{} min", "min", 1, True, "how long it runs on one charge",
                      "Does the whole flat on one charge.", "Dies halfway through the flat."),
            Attribute("Noise", 60, 84, 1, "{} dB", "dB", 1, False, "how quiet it is",
                      "The baby slept through it.", "The neighbours complained."),
        ),
    ),
)  # fmt: skip
