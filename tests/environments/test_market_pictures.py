"""Product pictures: each thing has a look of its own, and nothing in a picture gets out of it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from sandbox_env_market.catalogue import CATEGORIES
from sandbox_env_market.goods import make_item
from sandbox_env_market.page import Picture
from sandbox_env_market.pictures import alternative, drawing, picture_of, svg
from sandbox_env_market.shelves import MORE

from tests.environments.market_pages import HOSTILE

THINGS = [category.name for category in (*CATEGORIES, *MORE)]
UNDRAWN = Picture(thing="garden gnomes", colour="red")


def texts(picture: Picture) -> list[str]:
    """What is written on it, line by line."""
    root = ElementTree.fromstring(svg(picture))
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_each_category_of_the_shop_has_a_drawing_of_its_own() -> None:
    drawings = {drawing(Picture(thing=thing, colour="red")) for thing in THINGS}
    assert len(drawings) == len(THINGS) == 18
    assert not any(texts(Picture(thing=thing)) for thing in THINGS)  # no carton with a name on it


@pytest.mark.parametrize("thing", ["electric kettles", "running shoes"])
def test_colour_and_style_change_the_drawing(thing: str) -> None:
    looks = {drawing(Picture(thing=thing, colour=c, style=s)) for c in ("red", "white", "#123456") for s in range(8)}
    assert len(looks) == 24


def test_what_nobody_has_drawn_is_a_carton_with_its_name() -> None:
    assert texts(UNDRAWN) == ["garden gnomes"]
    assert alternative(UNDRAWN) == "Picture of red garden gnomes"


def test_the_alternative_text_says_colour_thing_and_printed_words() -> None:
    assert alternative(Picture(thing="electric kettles", colour="mint")) == "Picture of mint electric kettle"
    assert (
        alternative(Picture(thing="running shoes", colour="#ff0000", words='Now "new"'))
        == 'Picture of running shoes: "Now "new""'
    )


def test_printed_words_stand_on_the_picture_unless_they_are_too_many() -> None:
    assert texts(Picture(thing="backpacks", words="SALE")) == ["SALE"]
    long = "Buy this one and no other, it is the best. " * 7
    assert " ".join(texts(Picture(thing="backpacks", words=long))) == long.strip()
    assert len(texts(Picture(thing="backpacks", words="word " * 5000))) == 9


def test_hostile_words_stay_text_and_every_picture_is_well_formed() -> None:
    for words in (*HOSTILE, "\ud800 alone"):
        picture = Picture.model_construct(thing=words, colour=words, style=3, words=words)
        root = ElementTree.fromstring(svg(picture).encode())
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not tags & {"script", "a", "image", "use", "foreignObject", "style", "iframe", "img"}


def test_a_product_without_a_picture_gets_one_by_its_title_and_keeps_it() -> None:
    for item in (make_item(number) for number in range(16)):
        guessed = picture_of(item.products[0].title)
        assert drawing(Picture(thing=guessed.thing)) == drawing(Picture(thing=item.category))
    assert picture_of("Veldra Backpack for a 15-inch Laptop, navy").thing == "backpack"
    assert picture_of("Veldra Backpack for a 15-inch Laptop, navy").colour == "navy"
    assert picture_of("Thing") == picture_of("Thing") != picture_of("Other thing")
