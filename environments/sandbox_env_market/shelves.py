"""What the generated shop adds to the errands' eight shelves: ten more, makers of three tiers, colours and sizes.

Makers are invented. Ranges are those of a mid-sized shop's shelves, as in `catalogue`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sandbox_env_market.catalogue import BRANDS, CATEGORIES, Attribute, Category


class Maker(NamedTuple):
    """A brand: `quality` shifts its products' attributes (points of 100), `premium` their price (per cent)."""

    name: str
    quality: int
    premium: int


class Shelf(NamedTuple):
    """A category with the options that its products come in; without any, one piece is like the other.

    `sized` is what a size is called, and `sizes` are from the smallest to the largest.
    """

    category: Category
    colours: tuple[str, ...]
    sized: str = ""
    sizes: tuple[str, ...] = ()

    @property
    def plural(self) -> bool:
        """Whether one piece is spoken of as several: a pair of shoes."""
        return self.category.wanted.startswith("a pair of")


MORE = (
    Category(
        "coffee machines",
        "Espresso Machine",
        "an espresso machine",
        ("for slow Sunday mornings", "for a kitchen of four coffee drinkers", "to stop buying coffee on the way"),
        7900,
        64900,
        (
            Attribute("Pressure", 9, 20, 1, "{} bar", "bar", 1, True, "how much pressure it has",
                      "A thick crema on every cup.", "What comes out is thin and bitter."),
            Attribute("Water tank", 8, 26, 1, "{} L Tank", "L", 10, True, "how large the water tank is",
                      "One filling lasts the whole weekend.", "The tank is empty after three cups."),
            Attribute("Warm-up time", 15, 120, 5, "{} s", "s", 1, False, "how quickly it warms up",
                      "Ready before the milk is out of the fridge.", "You wait and wait until it is warm."),
        ),
    ),
    Category(
        "headphones",
        "Over-Ear Headphones",
        "a pair of headphones",
        ("for an open-plan office", "for mixing music at home", "for long train rides"),
        3900,
        39900,
        (
            Attribute("Battery", 15, 70, 1, "{} h Battery", "h", 1, True, "how long one charge lasts",
                      "I charge them once a week.", "They need the charger every evening."),
            Attribute("Noise cancelling", 10, 45, 1, "{} dB Noise Cancelling", "dB", 1, True,
                      "how well they cut noise", "The office went silent.", "I still follow every call next door."),
            Attribute("Weight", 160, 400, 5, "{} g", "g", 1, False, "how light they are",
                      "After a while I forget them.", "They press on the head after an hour."),
        ),
    ),
    Category(
        "bluetooth speakers",
        "Bluetooth Speaker",
        "a bluetooth speaker",
        ("for the garden", "for the bathroom shelf", "for a picnic by the lake"),
        1900,
        27900,
        (
            Attribute("Output", 5, 80, 1, "{} W", "W", 1, True, "how loud it plays",
                      "Loud enough for the whole garden.", "Drowned out by the kettle."),
            Attribute("Play time", 5, 30, 1, "{} h Play Time", "h", 1, True, "how long it plays on one charge",
                      "Played the whole weekend on one charge.", "Silent before the guests left."),
            Attribute("Weight", 250, 2450, 50, "{} g", "g", 1, False, "how light it is",
                      "Light enough for any bag.", "You would not want to carry it far."),
        ),
    ),
    Category(
        "keyboards",
        "Mechanical Keyboard",
        "a mechanical keyboard",
        ("for long days of writing", "for your desk at home", "for a small desk with little room"),
        3900,
        24900,
        (
            Attribute("Key life", 20, 100, 2, "{} Million Presses", "million presses", 1, True,
                      "how long the keys last", "Typed a book on it and no key is worn.",
                      "Two keys began to stick within weeks."),
            Attribute("Battery", 20, 240, 5, "{} h Battery", "h", 1, True, "how long one charge lasts",
                      "I do not remember when I charged it.", "Flat every other day."),
            Attribute("Noise", 36, 66, 1, "{} dB", "dB", 1, False, "how quiet it is",
                      "Nobody in the room hears me type.", "The whole office hears every letter."),
        ),
    ),
    Category(
        "smart watches",
        "Smart Watch",
        "a smart watch",
        ("for counting lengths in the pool", "for getting up from the desk more often", "for your father's birthday"),
        4900,
        44900,
        (
            Attribute("Battery", 1, 21, 1, "{} Days Battery", "days", 1, True, "how long one charge lasts",
                      "Two weekends away without the charger.", "Dead by the next morning."),
            Attribute("Brightness", 400, 2000, 50, "{} nits", "nits", 1, True, "how bright the display is",
                      "Easy to read in full sun.", "In the sun you see nothing but yourself."),
            Attribute("Weight", 22, 64, 1, "{} g", "g", 1, False, "how light it is",
                      "I sleep with it and do not notice.", "Catches on every sleeve."),
        ),
    ),
    Category(
        "water bottles",
        "Insulated Water Bottle",
        "an insulated water bottle",
        ("for hot days on the bike", "for the gym", "for your desk at work"),
        900,
        5900,
        (
            Attribute("Stays cold", 6, 48, 1, "{} h Cold", "h", 1, True, "how long it keeps a drink cold",
                      "There was still ice in it the next day.", "Lukewarm by lunch."),
            Attribute("Capacity", 350, 1500, 50, "{} ml", "ml", 1, True, "how much it holds",
                      "Enough for a day in the hills.", "Empty after the first climb."),
            Attribute("Weight", 150, 650, 10, "{} g", "g", 1, False, "how light it is",
                      "Weighs next to nothing empty.", "Heavy before there is a drop in it."),
        ),
    ),
    Category(
        "t-shirts",
        "Cotton T-Shirt",
        "a t-shirt",
        ("for every day", "for the office in summer", "to replace one that lost its shape"),
        900,
        5900,
        (
            Attribute("Fabric weight", 120, 280, 5, "{} g/m² Cotton", "g/m²", 1, True, "how sturdy the cloth is",
                      "Thick cloth that hangs well.", "So thin that you see through it."),
            Attribute("Organic cotton", 0, 100, 5, "{}% Organic", "%", 1, True, "how much of it is organic cotton",
                      "Soft, and no smell out of the bag.", "Smelled of chemicals after three washes."),
            Attribute("Shrinkage", 0, 100, 2, "{} %", "% in the wash", 10, False, "how little it shrinks",
                      "Same size after twenty washes.", "My son wears it now, after one wash."),
        ),
    ),
    Category(
        "rain jackets",
        "Rain Jacket",
        "a rain jacket",
        ("for the bike to work", "for a week on the coast", "for autumn walks with the dog"),
        3900,
        29900,
        (
            Attribute("Water column", 5, 30, 1, "{},000 mm Water Column", "m", 1, True, "how watertight it is",
                      "Two hours of rain and dry underneath.", "Wet through at the shoulders in minutes."),
            Attribute("Breathability", 5, 30, 1, "{}k Breathability", "kg/m² a day", 1, True, "how well it breathes",
                      "Uphill and not sweaty at all.", "Like running in a plastic bag."),
            Attribute("Weight", 180, 780, 20, "{} g", "g", 1, False, "how light it is",
                      "Packs into its own pocket.", "Takes up half the rucksack."),
        ),
    ),
    Category(
        "electric toothbrushes",
        "Electric Toothbrush",
        "an electric toothbrush",
        ("after a word from the dentist", "for travelling", "for the guest bathroom"),
        1900,
        22900,
        (
            Attribute("Battery", 7, 90, 1, "{} Days Battery", "days", 1, True, "how long one charge lasts",
                      "Three weeks away and still going.", "It dies in the middle of brushing."),
            Attribute("Strokes", 20, 62, 1, "{},000 Strokes/min", "thousand strokes a minute", 1, True,
                      "how thoroughly it cleans", "Feels like after the dentist's.", "No cleaner than by hand."),
            Attribute("Noise", 45, 75, 1, "{} dB", "dB", 1, False, "how quiet it is",
                      "Does not wake anybody.", "Like a drill, early in the morning."),
        ),
    ),
    Category(
        "yoga mats",
        "Yoga Mat",
        "a yoga mat",
        ("for classes twice a week", "for a hard floor", "for stretching after runs"),
        1400,
        9900,
        (
            Attribute("Thickness", 3, 15, 1, "{} mm", "mm", 1, True, "how thick it is",
                      "Kind to the knees.", "You feel the floor through it."),
            Attribute("Length", 170, 215, 5, "{} cm", "cm", 1, True, "how long it is",
                      "Room for all of me.", "My heels are on the floor."),
            Attribute("Weight", 900, 3300, 50, "{} g", "g", 1, False, "how light it is",
                      "Easy to carry to class.", "I leave it at home, it is too heavy."),
        ),
    ),
)  # fmt: skip
"""More categories, in the form of the errands'. No errand is drawn from them."""

_SHOES = ("38", "39", "40", "41", "42", "43", "44", "45", "46")
_CLOTHES = ("S", "M", "L", "XL", "XXL")
_OPTIONS: Mapping[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "electric kettles": (("silver", "black", "white", "red", "mint", "beige"), "", ()),
    "wireless earbuds": (("black", "white", "navy", "pink", "mint"), "", ()),
    "backpacks": (("black", "grey", "olive", "navy", "orange", "sand"), "", ()),
    "desk lamps": (("black", "white", "silver", "green", "yellow"), "", ()),
    "office chairs": (("black", "grey", "white", "blue", "beige"), "", ()),
    "running shoes": (("black", "white", "blue", "orange", "pink", "teal"), "Size", _SHOES),
    "power banks": (("black", "white", "blue", "grey"), "", ()),
    "cordless vacuum cleaners": (("grey", "red", "purple", "white", "blue"), "", ()),
    "coffee machines": (("silver", "black", "white", "red", "beige"), "", ()),
    "headphones": (("black", "white", "silver", "navy", "sand"), "", ()),
    "bluetooth speakers": (("black", "blue", "red", "teal", "grey", "pink"), "", ()),
    "keyboards": (("black", "white", "grey", "mint", "purple"), "", ()),
    "smart watches": (("black", "silver", "pink", "green", "sand"), "Strap", ("short", "regular", "long")),
    "water bottles": (("silver", "black", "white", "teal", "pink", "yellow", "navy"), "", ()),
    "t-shirts": (("white", "black", "grey", "navy", "red", "olive", "sand"), "Size", _CLOTHES),
    "rain jackets": (("yellow", "navy", "black", "red", "olive", "teal"), "Size", _CLOTHES),
    "electric toothbrushes": (("white", "black", "pink", "mint", "blue"), "", ()),
    "yoga mats": (("purple", "teal", "grey", "pink", "green", "black"), "", ()),
}
SHELVES = tuple(Shelf(category, *_OPTIONS[category.name]) for category in (*CATEGORIES, *MORE))
"""All eighteen, the errands' first."""

_NEW_BRANDS = (
    "Aldmere", "Birkvale", "Calder & Roe", "Drennan", "Elmstow", "Farrowgate", "Glenmoor", "Hestia", "Idrell", "Jasko",
    "Kellwick", "Larkspur", "Mornell", "Norvik", "Oakhurst", "Penrose", "Quillon", "Rosvale", "Stenmark", "Thornby",
    "Ulvik", "Varley", "Westerby", "Yarrow", "Zellan", "Ashcombe", "Bremlin", "Corvane", "Dunmore", "Everholt",
    "Fallowby", "Grindal",
)  # fmt: skip
_TIERS = ((-14, -18), (0, 0), (14, 22))
"""Quality and premium of the cheap, the middling and the fine makers."""

MAKERS = tuple(
    # Within a tier a premium is not earned to the point, so that a dear brand may be no better.
    Maker(name, _TIERS[i % 3][0] + (i * 7) % 9 - 4, _TIERS[i % 3][1] + (i * 5) % 11 - 5)
    for i, name in enumerate((*BRANDS, *_NEW_BRANDS))
)
SELLERS = (
    "Northgate Goods", "Harbour & Sons", "Bluebell Trading", "Tannery Lane", "Old Mill Supply", "Cobble Street",
    "Foxglove Direct", "Highfield Stores", "Lantern House", "Millbrook Market", "Rivermouth", "Saddler's Yard",
)  # fmt: skip
