"""Goods and tasks from a file: which format it is in, its bytes with their hash, and what is made of it, kept.

| file | module | what becomes of it |
|---|---|---|
| `.csv`, `.parquet` | `tables` | ACES' tables, or one's own with the same columns: an item per experiment |
| `.json`, an object with `products` | `tau2` | tau2's shop; items from the exchanges of the `tasks.json` beside it |
| `.json`, a list of sentences | `webshop` | WebShop's human goals, over the generated shop where a category fits |
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from sandbox.errors import DatasetError
from sandbox_env_market import tables, tau2, webshop
from sandbox_env_market.catalogue import Product
from sandbox_env_market.goods import Goods, ShopItem

LARGEST = 256 * 2**20
"""Bytes of a file; ACES' largest table without its pictures is a tenth of that."""


class Read(NamedTuple):
    """What a file holds: its items, and its goods by part (`Goods.part`)."""

    items: tuple[ShopItem, ...]
    goods: tuple[tuple[str, tuple[Product, ...]], ...]


def items_in(path: str, precision: str, shop: Goods) -> Sequence[ShopItem]:
    """The items of a file, in its order.

    Args:
        path: relative to the working directory.
        precision: of the words, where the file's own tasks come in several (tau2's).
        shop: the generated shop, for goals that come without goods (WebShop's).

    Raises:
        DatasetError: it is missing, too large, of no known format, holds no item, or has faults, which are listed.
    """
    return _read(path, *_stamp(path), precision, shop).items


def goods_in(goods: Goods) -> tuple[Product, ...]:
    """The products that a file's recipe stands for.

    Raises:
        DatasetError: as `items_in`; or the file is not the one that the recipe was made of.
    """
    found = _read(goods.path, *_stamp(goods.path), "attributes", Goods())
    digest = _digest(goods.path, *_stamp(goods.path))
    if digest != goods.sha256:
        raise DatasetError(
            f"{goods.path}: its SHA-256 is {digest}; the episode was made of {goods.sha256}: restore that file"
        )
    parts = dict(found.goods)
    if goods.part not in parts:
        raise DatasetError(f"{goods.path}: there is no set {goods.part!r} in it")
    return parts[goods.part]


def _stamp(path: str) -> tuple[int, int]:
    """When a file was written and how large it is: it is read again when either changes."""
    try:
        stat = Path(path).stat()
    except FileNotFoundError:
        near = difflib.get_close_matches(path, ("errands", "catalogue"), n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise DatasetError(
            f"{path}: no such file under {Path.cwd()}; {meant}goods are `errands`, `catalogue`, or the path of a table "
            "(.csv, .parquet), tau2's db.json, or WebShop's human_goals.json"
        ) from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    if stat.st_size > LARGEST:
        raise DatasetError(
            f"{path}: {stat.st_size:,} bytes; at most {LARGEST:,} are read: leave out pictures, or split it"
        )
    return stat.st_mtime_ns, stat.st_size


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error


@lru_cache(maxsize=16)
def _digest(path: str, written: int, size: int) -> str:
    return hashlib.sha256(_bytes(path)).hexdigest()


@lru_cache(maxsize=4)
def _read(path: str, written: int, size: int, precision: str, shop: Goods) -> Read:
    suffix = Path(path).suffix.lower()
    data = _bytes(path)
    recipe = Goods(path=path, sha256=_digest(path, written, size))
    if suffix in (".csv", ".parquet"):
        read = tables.read_csv if suffix == ".csv" else tables.read_parquet
        return _checked(path, *tables.items(read(path, data), recipe))
    if suffix != ".json":
        raise DatasetError(f"{path}: expected a file that ends in .csv, .parquet or .json")
    document = parsed(path, data)
    if isinstance(document, list):
        return _checked(path, webshop.items(path, document, shop), ())
    if isinstance(document, dict) and "products" in document:
        tasks = Path(path).with_name("tasks.json")
        products = tau2.goods(path, document)
        if not tasks.is_file():
            raise DatasetError(f"{path}: tau2's tasks.json is needed beside it, and {tasks} is not there")
        exchanges = parsed(str(tasks), _bytes(str(tasks)))
        return _checked(path, tau2.items(str(tasks), document, exchanges, recipe, precision), (("", products),))
    raise DatasetError(
        f"{path}: expected an object with `products`, as tau2's db.json, or a list of goals, as WebShop's"
    )


def _checked(path: str, items: Sequence[ShopItem], goods: Sequence[tuple[str, tuple[Product, ...]]]) -> Read:
    if not items:
        raise DatasetError(f"{path}: there is no shopping task in it")
    return Read(tuple(items), tuple(goods))


def parsed(path: str, data: bytes) -> Any:
    """A JSON document."""
    try:
        return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{path}: not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
