"""What sellers and buyers of the generated shop write: truthful sentences, by the shelf and by how good a product is.

A sentence about an attribute follows from its score alone: 60 points and more are praised, 40 and less are blamed. So
whoever reads the reviews learns what the table says, and nothing that is false.
"""

from __future__ import annotations

from functools import lru_cache

from sandbox_env_market.catalogue import Attribute
from sandbox_env_market.shelves import Shelf

PRAISED, BLAMED = 60, 40
"""Points from which, and up to which, a review has an opinion."""

_PRAISE = (
    "Full marks for {need}.",
    "{Need}: that won me over.",
    "I compared a dozen, and {need} decided it.",
    "Hard to beat when it comes to {need}.",
    "What I like best is {need}.",
    "My neighbour asked at once about {need}.",
    "{name}: better than I had dared to hope.",
)
_BLAME = (
    "Points off for {need}.",
    "What I would change is {need}.",
    "{Need}: that is the weak spot.",
    "If you care about {need}, look elsewhere.",
    "Nobody will be impressed by {need}.",
    "I underestimated how much {need} would bother me.",
    "{name}: a let-down.",
)
_NEITHER = (
    "{name}: about what you would expect.",
    "Nothing to say against {need}, and nothing to rave about.",
    "Middle of the road when it comes to {need}.",
    "{Need}? Average.",
    "Neither better nor worse than what I had before, as to {need}.",
    "{name}: fine, no more.",
)
_END = (
    ("Sent back.", "Not again.", "A waste of money for me.", "I regret this one.", "One star is one too many."),
    (
        "Expected more for the money.", "I would look at others first.", "Disappointed on the whole.",
        "Two stars, for trying.", "Would not order again.",
    ),
    (
        "All right, no more.", "Neither hot nor cold.", "Good days and bad days.",
        "There may be better for the price.", "Three stars seem fair.",
    ),
    (
        "Does the job.", "Good, with small things to grumble about.", "One star off for the packaging.",
        "Happy on the whole.", "Nearly everything I wanted.",
    ),
    (
        "Would buy again.", "Recommended.", "Could not be happier.", "Money well spent.", "No complaints at all.",
        "Already ordered one for a friend.",
    ),
)  # fmt: skip
_BEGIN = (
    "Bought {it} {occasion}.", "Got {it} {occasion}.", "Ordered {it} {occasion}.", "I wanted {it} {occasion}.",
)  # fmt: skip


def band(score: int) -> int:
    """0, 1, 2: blamed, neither, praised."""
    return 0 if score <= BLAMED else 2 if score >= PRAISED else 1


@lru_cache(maxsize=256)
def about(attribute: Attribute, band: int) -> tuple[str, ...]:
    """What reviews say of an attribute in that band."""
    own, forms = (((attribute.blame,), _BLAME), ((), _NEITHER), ((attribute.praise,), _PRAISE))[band]
    need = attribute.need
    said = (form.format(need=need, Need=need[0].upper() + need[1:], name=attribute.name) for form in forms)
    return (*own, *said)


def endings(stars: int) -> tuple[str, ...]:
    """How a review of 1 to 5 stars ends."""
    return _END[stars - 1]


@lru_cache(maxsize=64)
def beginnings(shelf: Shelf) -> tuple[str, ...]:
    """What reviews say that it was bought for."""
    it = "them" if shelf.plural else "it"
    mine = [occasion.replace("your ", "my ") for occasion in shelf.category.occasions]
    return tuple(form.format(it=it, occasion=occasion) for form in _BEGIN for occasion in mine)


@lru_cache(maxsize=64)
def pitches(shelf: Shelf) -> tuple[str, ...]:
    """How sellers open, about the product that `{}` names."""
    category = shelf.category
    return tuple(
        form.format(name="{}", wanted=category.wanted, occasion=occasion)
        for form in ("The {name}: {wanted}, {occasion}.", "Meet the {name}, {wanted} {occasion}.")
        for occasion in category.occasions
    )


def boasts(attribute: Attribute, value: int) -> tuple[str, ...]:
    """What sellers say of an attribute: the number, and of a good one also who will like it."""
    shown, name = attribute.in_table(value), attribute.name
    plain = (f"{name}: {shown}.", f"{name} of {shown}.", f"You get {shown} ({name.lower()}).")
    if attribute.score(value) < PRAISED:
        return plain
    return (*plain, f"{name}: {shown}, for those who care {attribute.need}.", f"Proud of {attribute.need}: {shown}.")


def listed(words: tuple[str, ...]) -> str:
    """`black, white and navy`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
