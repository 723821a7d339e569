"""`EPISODE#STEP`, as people write it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import InputError, UnknownName
from sandbox.report.address import Address, address, locate
from sandbox.store import Store
from tests.store.conftest import make_spec, record

SPECS = [make_spec("0"), make_spec("1", external_id="log/7"), make_spec("2", external_id="log/7#2")]
ONE, SEVEN, ODD = (spec.key for spec in SPECS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path: Path = tmp_path_factory.mktemp("address") / "test.db"
    with Store.open(str(path)) as opened:
        opened.add_experiment("first", {}, SPECS)
        for spec in SPECS:
            record(opened.writer(), spec)
        yield opened


def test_a_step_is_named_behind_the_beginning_of_an_id_or_an_external_id(store: Store) -> None:
    assert locate(store, ONE) == Address(ONE)
    assert locate(store, f"{ONE[:8]}#3") == Address(ONE, 2)
    assert locate(store, "log/7#1") == Address(SEVEN, 0)
    assert locate(store, address(SEVEN, 1)) == Address(SEVEN, 1)


def test_an_external_id_with_a_hash_sign_means_its_episode(store: Store) -> None:
    assert locate(store, "log/7#2") == Address(ODD)
    assert locate(store, "log/7#2#1") == Address(ODD, 0)


@pytest.mark.parametrize("step", ["0", "4", "-1", "x", "", "1.0", "٣", "9" * 5000])
def test_what_is_no_step_of_the_episode_is_refused_with_what_there_is(store: Store, step: str) -> None:
    with pytest.raises(InputError, match=r"steps 1 to 3|write .*#1 for its first"):
        locate(store, f"{ONE[:8]}#{step}")


@pytest.mark.parametrize("name", ["", "#1", "zz#1", "nothing", "##"])
def test_an_unknown_episode_is_an_unknown_name(store: Store, name: str) -> None:
    with pytest.raises(UnknownName):
        locate(store, name)
