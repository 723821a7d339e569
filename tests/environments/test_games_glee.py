"""GLEE's records are read as GLEE writes them, and every fault in them is named at once."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sandbox_env_games.glee import GleeImporter

from sandbox.errors import DatasetError
from sandbox.experiment.expand import expand
from sandbox.experiment.model import Experiment
from sandbox.importing import Record
from sandbox.plugins import Plugins
from sandbox.runner.build import Builder

DATA = Path(__file__).parent.parent / "data"
ARGS: dict[str, dict[str, Any]] = {
    "bargaining": {
        "money_to_divide": 100,
        "max_rounds": 12,
        "delta_1": 0.9,
        "delta_2": 0.95,
        "complete_information": True,
        "messages_allowed": True,
    },
    "negotiation": {
        "seller_value": 1.0,
        "buyer_value": 1.2,
        "product_price_order": 100,
        "max_rounds": 10,
        "messages_allowed": True,
        "complete_information": False,
    },
    "persuasion": {
        "p": 0.333333333,
        "v": 4.0,
        "c": 0,
        "product_price": 100,
        "is_seller_know_cv": False,
        "seller_message_type": "text",
        "is_myopic": True,
        "total_rounds": 2,
        "is_buyer_know_p": True,
        "allow_buyer_message": False,
    },
}
HEADERS = {
    "bargaining": "alice_gain,bob_gain,message,player,round,decision",
    "negotiation": "message,product_price,player,round,decision",
    "persuasion": "round_quality,product_worth,player,round,message,decision",
}
ROWS = {
    "bargaining": [
        '60.0,40.0,"Fair, no?",Alice,1,None',
        ",,None,Bob,1,reject",
        "45.5,54.5,None,Bob,2,None",
        ",,I take it,Alice,2,accept",
    ],
    "negotiation": ["best,150.0,Alice,1,", ",,Bob,1,RejectOffer", ",110.0,Bob,2,", ",,Alice,2,AcceptOffer"],
    "persuasion": [
        "high-quality,400.0,Nature,1,,",
        ",,Alice,1,1000,",
        ",,the buyer,1,,no",
        "low-quality,0.0,Nature,2,,",
        ",,Alice,2,,yes",
        ",,the buyer,2,,yes",
    ],
}


def read(path: Path) -> list[Record]:
    return list(GleeImporter().records(path))


def faults(path: Path) -> list[str]:
    with pytest.raises(DatasetError) as caught:
        read(path)
    return list(caught.value.faults) or [str(caught.value)]


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """Writes a `cases.jsonl`."""

    def write(*cases: Any) -> Path:
        path = tmp_path / "cases.jsonl"
        path.write_text("\n".join(case if isinstance(case, str) else json.dumps(case) for case in cases), "utf-8")
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a game's folder as GLEE does."""

    def write(
        family: str,
        rows: Sequence[str] | None = None,
        name: str = "0003852CF8408F00",
        header: str = "",
        players: Mapping[str, Any] = {},
        **args: Any,
    ) -> Path:
        path = tmp_path / "Data" / family / name
        path.mkdir(parents=True)
        config: dict[str, Any] = {
            "name": f"{family}_16",
            "game_type": family,
            "player_1_type": "otree",
            "player_1_args": {"public_name": "Alice", "model_name": "gemini", "delta": None},
            "player_2_args": {"public_name": "Bob", "model_name": "llama"},
            "game_args": {key: value for key, value in (ARGS[family] | args).items() if value is not ...},
            "commit": "d62fc86",
        }
        for player, more in players.items():
            config[player] |= more
        (path / "config.json").write_text(json.dumps(config), "utf-8")
        text = "\n".join([header or HEADERS[family], *(ROWS[family] if rows is None else rows), ""])
        (path / "game.csv").write_text(text, "utf-8")
        return path

    return write


def case(name: str) -> dict[str, Any]:
    family = {"b": "bargaining", "n": "negotiation", "p": "persuasion"}[name[0]]
    with (DATA / f"glee_{family}_cases.jsonl").open(encoding="utf-8") as found:
        return next(one for one in map(json.loads, found) if one["game_id"] == name)


# -- cases.jsonl --------------------------------------------------------------------------------------------------


def test_a_line_becomes_the_game_that_it_records(lines: Callable[..., Path]) -> None:
    bargaining, negotiation, persuasion = read(lines(case("b-7-0"), "", case("n-7-0"), case("p-7-0")))
    assert (bargaining.environment, bargaining.external_id, bargaining.agent) == (
        "games/Bargaining-v0",
        "b-7-0",
        "cases",
    )
    assert bargaining.config == {
        "money": 10000,
        "deltas": [0.8, 0.8],
        "rounds": 12,
        "horizon_told": True,
        "information": "incomplete",
        "messages": False,
    }
    assert bargaining.answers == {
        "alice": ({"kind": "offer", "alice_gain": 6927.65}, {"kind": "accept"}),
        "bob": ({"kind": "reject"}, {"kind": "offer", "alice_gain": 2564.78}),
    }
    assert negotiation.answers["buyer"] == ({"kind": "accept"},)
    assert negotiation.config["values"] == [1.5, 1.5]
    assert persuasion.nature[:4] == tuple({"kind": "quality", "high": high} for high in (True, True, True, False))
    assert persuasion.answers["seller"][3] == {"kind": "recommend", "yes": False}
    assert [answer["kind"] for answer in persuasion.answers["buyer"] if answer].count("buy") == 3


def test_the_number_of_rounds_is_told_where_glee_tells_it(lines: Callable[..., Path]) -> None:
    told = [
        read(lines(case("b-7-spe") | {"args": case("b-7-spe")["args"] | {"max_rounds": rounds}}))[0].config
        for rounds in (20, 21, 99)
    ]
    assert [one["horizon_told"] for one in told] == [True, False, False]


def test_where_the_seller_writes_a_message_that_is_not_on_record_is_absent(lines: Callable[..., Path]) -> None:
    found = case("p-7-0")
    found["args"] |= {"seller_message_type": "text", "is_myopic": True}
    found["moves"] = [move | {"recommend": None} for move in found["moves"]]
    (record,) = read(lines(found))
    assert record.answers["seller"] == ({"kind": "say"},) * 20
    assert record.answers["buyer_12"] == ({"kind": "buy"},)
    assert len(record.answers) == 21


def test_every_fault_of_every_line_is_named_at_once(lines: Callable[..., Path]) -> None:
    broken = case("b-7-0")
    broken["moves"][0] |= {"alice_gain": 33.333, "bob_gain": 9966.667}
    broken["moves"][1] |= {"alice_gain": 2564.789, "bob_gain": 7435.211}
    wrong_sum = case("b-7-allA")
    wrong_sum["moves"][0]["bob_gain"] += 1
    short = case("b-7-0")
    short["moves"] = short["moves"][:1]
    long = case("n-7-0")
    long["moves"] = [*long["moves"], long["moves"][0] | {"round": 2, "proposer": "Bob"}]
    wrong_role = case("n-7-0")
    wrong_role["moves"][0]["decision"] = "SellToJhon"
    odd = case("p-7-0")
    odd["args"] |= {"p": 1.5, "allow_buyer_message": True}
    del odd["args"]["v"]
    outside = case("p-7-0")
    outside["args"]["p"] = 1.5
    outside["moves"][6] |= {"quality": "middling", "recomend": True}
    turns = case("b-7-0")
    turns["moves"][0]["proposer"] = "Bob"
    numbers = case("b-7-0")
    numbers["moves"][1]["round"] = 3
    nothing = case("b-7-0") | {"moves": []}
    path = lines(
        broken, wrong_sum, short, long, wrong_role, odd, outside, turns, numbers, nothing, "{", '{"game_id": "x"}',
        case("n-7-0") | {"family": "auction"},
    )  # fmt: skip
    found = faults(path)
    cents = "expected at most two decimals (whole cents)"
    for begins, said in [
        ("line 1, moves[0].alice_gain: ", cents),
        ("line 1, moves[1].alice_gain: ", cents),
        ("line 2, moves[0].bob_gain: the gains sum to", "not to money_to_divide"),
        ("line 3: the record ends before the game does; next is bob", ""),
        ("line 4, moves[1].product_price: buyer moves, but the game is over by then", ""),
        ("line 5, moves[0].decision: there is no action 'sell_to_john'", "buy_from_john"),
        ("line 6, args.v: is missing", ""),
        ("line 6, args.allow_buyer_message: ", "found True"),
        ("line 7, args.p: ", "less than or equal to 1"),
        ("line 7, moves[6].quality: ", "found 'middling'"),
        ("line 7, moves[6].recomend: is not known: did you mean 'recommend'?", ""),
        ("line 8, moves[0].alice_gain: bob moves, but it is the turn of alice", ""),
        ("line 9, moves[1].round: is 3, expected 2", ""),
        ("line 10: the record ends before the game does; next is alice", ""),
        ("line 11: is not JSON", ""),
        ("line 12, family: is missing", ""),
        ("line 13, family: ", "found 'auction'"),
    ]:
        assert any(fault.startswith(begins) and said in fault for fault in found), (begins, said, found)
    assert len(found) == 25  # line 12 lacks args and moves as well, and six lines have the id of one above


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"product_price": True}, "product_price: Input should be a valid number (found True)"),
        ({"product_price": "130"}, "product_price: Input should be a valid number (found '130')"),
        ({"round": True}, "round: Input should be a valid integer (found True)"),
        ({"round": "1"}, "round: Input should be a valid integer (found '1')"),
    ],
)
def test_what_the_game_does_not_take_for_a_number_is_none_in_a_record(
    lines: Callable[..., Path], change: dict[str, Any], said: str
) -> None:
    found = case("n-7-0")
    found["moves"][0] |= change
    assert faults(lines(found)) == [f"line 1, moves[0].{said}"]


def test_a_whole_number_may_be_written_with_a_point(lines: Callable[..., Path]) -> None:
    found = case("n-7-0")
    found["args"]["max_rounds"], found["moves"][0]["round"] = 10.0, 1.0
    (record,) = read(lines(found))
    assert repr(record.config["rounds"]) == "10"


def test_settings_are_of_the_type_that_they_ought_to_be(lines: Callable[..., Path]) -> None:
    found = case("n-7-0")
    found["args"] |= {"max_rounds": "10", "seller_value": True, "messages_allowed": "no"}
    assert [fault.partition(": ")[0] for fault in faults(lines(found))] == [
        "line 1, args.seller_value", "line 1, args.max_rounds", "line 1, args.messages_allowed",
    ]  # fmt: skip


def test_a_key_that_is_there_twice_is_a_fault(lines: Callable[..., Path]) -> None:
    """JSON readers take the last one, and nobody would know which was meant."""
    line = json.dumps(case("n-7-0"))
    assert faults(lines(line.replace('"round": 1', '"round": 1, "round": 1'))) == [
        "line 1: more than once in one object: 'round'"
    ]


def test_two_lines_with_one_id_are_a_fault_that_names_both(lines: Callable[..., Path]) -> None:
    assert faults(lines(case("n-7-0"), case("b-7-0"), case("n-7-0"))) == [
        "line 3, game_id: 'n-7-0' is that of line 1, too"
    ]


@pytest.mark.parametrize("line", ["[]", "null", "5"])
def test_a_line_that_is_no_object_is_said_to_be_none(lines: Callable[..., Path], line: str) -> None:
    (fault,) = faults(lines(line))
    assert fault.startswith("line 1: expected an object, {...} (found ")


def test_a_message_that_is_too_long_is_the_only_thing_wrong_with_its_move(lines: Callable[..., Path]) -> None:
    found = case("n-7-0")
    found["args"]["messages_allowed"] = True
    found["moves"][0]["message"] = 3000 * "x"
    (fault,) = faults(lines(found))
    assert fault.startswith("line 1, moves[0].message: String should have at most 2000 characters (found 'xxx")
    assert "Legal now" not in fault


def test_a_file_without_a_game_and_one_that_is_not_there_are_refused(
    lines: Callable[..., Path], tmp_path: Path
) -> None:
    assert "there is no game in it" in faults(lines(""))[0]
    assert "no such file" in faults(tmp_path / "none.jsonl")[0]
    (tmp_path / "empty").mkdir()
    assert "there is no game in it" in faults(tmp_path / "empty")[0]


# -- folders ------------------------------------------------------------------------------------------------------


def test_a_folder_becomes_the_game_that_it_records(folder: Callable[..., Path]) -> None:
    """With messages where they were delivered: with offers, in games that have them; `None` and nothing are none."""
    (record,) = read(folder("bargaining"))
    assert record.external_id == "0003852CF8408F00"
    assert record.agents == {"alice": "gemini", "bob": "llama"}
    assert record.config["deltas"] == [0.9, 0.95]
    assert record.answers == {
        "alice": ({"kind": "offer", "alice_gain": 60.0, "message": "Fair, no?"}, {"kind": "accept"}),
        "bob": ({"kind": "reject"}, {"kind": "offer", "alice_gain": 45.5}),
    }


def test_a_message_in_a_game_without_messages_was_delivered_to_nobody(folder: Callable[..., Path]) -> None:
    (record,) = read(folder("negotiation", messages_allowed=False))
    assert record.answers["seller"] == ({"kind": "offer", "price": 150.0}, {"kind": "accept"})


@pytest.mark.parametrize(
    ("in_game", "in_players"),
    [((0.9, 0.95), (None, None)), ((..., ...), (0.9, 0.95)), ((None, None), (0.9, 0.95)), ((0.9, 0.95), (0.9, 0.95))],
)
def test_deltas_stand_with_the_game_or_with_the_players(
    folder: Callable[..., Path], in_game: tuple[Any, Any], in_players: tuple[Any, Any]
) -> None:
    players = {f"player_{index}_args": {"delta": delta} for index, delta in enumerate(in_players, start=1)}
    path = folder("bargaining", players=players, delta_1=in_game[0], delta_2=in_game[1])
    assert read(path)[0].config["deltas"] == [0.9, 0.95]


def test_deltas_that_contradict_each_other_or_are_nowhere_are_faults(folder: Callable[..., Path]) -> None:
    folder("bargaining", name="A", players={"player_2_args": {"delta": 0.8}})
    path = folder("bargaining", name="B", delta_1=...)
    assert faults(path.parent) == [
        "A/config.json: game_args.delta_2 is 0.95, and player_2_args.delta 0.8",
        "B/config.json: game_args.delta_1: is missing",
    ]


def test_a_buyer_per_round_and_the_message_that_the_seller_wrote(folder: Callable[..., Path]) -> None:
    (record,) = read(folder("persuasion"))
    assert record.config["buyers"] == "myopic"
    assert record.nature == ({"kind": "quality", "high": True}, {"kind": "quality", "high": False})
    assert record.answers == {
        "seller": ({"kind": "say", "message": "1000"}, {"kind": "say"}),
        "buyer_1": ({"kind": "decline"},),
        "buyer_2": ({"kind": "buy"},),
    }
    assert record.agents == {"seller": "gemini", "buyer_1": "llama", "buyer_2": "llama"}


def test_a_recommendation_is_the_sellers_own_yes_or_no(folder: Callable[..., Path]) -> None:
    rows = [row.replace("the buyer", "Bob").replace(",1000,", ",,no") for row in ROWS["persuasion"]]
    (record,) = read(folder("persuasion", rows, seller_message_type="binary", is_myopic=False))
    assert record.answers["seller"] == ({"kind": "recommend", "yes": False}, {"kind": "recommend", "yes": True})
    assert record.answers["buyer"] == ({"kind": "decline"}, {"kind": "buy"})


@pytest.mark.parametrize(("word", "kind"), [("SellToJhon", "sell_to_john"), ("DealWithJhon", "sell_to_john")])
def test_the_words_for_the_outside_option(folder: Callable[..., Path], word: str, kind: str) -> None:
    rows = [*ROWS["negotiation"][:3], f",,Alice,2,{word}"]
    assert read(folder("negotiation", rows))[0].answers["seller"][1] == {"kind": kind}


def test_players_may_have_other_names(folder: Callable[..., Path]) -> None:
    rows = [row.replace("Alice", "Ann Lee").replace("Bob", "Ben") for row in ROWS["bargaining"]]
    header = HEADERS["bargaining"].replace("alice", "ann_lee").replace("bob", "ben")
    players = {"player_1_args": {"public_name": "Ann Lee"}, "player_2_args": {"public_name": "Ben", "model_name": ""}}
    (record,) = read(folder("bargaining", rows, header=header, players=players))
    assert record.agents == {"alice": "gemini", "bob": "Ben"}
    assert record.answers["bob"][1] == {"kind": "offer", "alice_gain": 45.5}


def test_folders_are_read_in_order_of_their_paths_however_deep(folder: Callable[..., Path]) -> None:
    paths = [folder("negotiation", name="B/2"), folder("bargaining", name="Z"), folder("negotiation", name="A/1")]
    assert [record.external_id for record in read(paths[1].parents[1])] == ["Z", "1", "2"]


def test_games_in_folders_of_one_name_are_called_after_their_paths(folder: Callable[..., Path]) -> None:
    paths = [folder("negotiation", name=name) for name in ("one/7", "two/7", "two/8")]
    assert [record.external_id for record in read(paths[0].parents[1])] == ["one/7", "two/7", "8"]


@pytest.mark.parametrize(
    ("rows", "header", "said"),
    [
        (
            [ROWS["negotiation"][0].replace("best", '"be"st'), *ROWS["negotiation"][1:]],
            HEADERS["negotiation"],
            "line 2 of the file: ',' expected after '\"'; nothing below it was read",
        ),
        (
            [f"{row},90" for row in ROWS["negotiation"]],
            f"{HEADERS['negotiation']},product_price",
            "header: more than once: 'product_price'",
        ),
    ],
)
def test_a_table_that_cannot_be_read_is_one_fault(
    folder: Callable[..., Path], rows: list[str], header: str, said: str
) -> None:
    """And not also that the game lacks its end, which nobody has seen."""
    assert faults(folder("negotiation", rows, header=header)) == [f"game.csv, {said}"]


def test_a_rounds_number_may_be_written_with_a_point_in_some_of_its_rows(folder: Callable[..., Path]) -> None:
    rows = [row.replace("Alice,1,", "Alice,1.0,").replace("Bob,2,", "Bob,2.0,") for row in ROWS["negotiation"]]
    assert read(folder("negotiation", rows))[0].answers == read(folder("negotiation", name="plain"))[0].answers


def test_a_player_without_a_model_is_called_by_its_own_name(folder: Callable[..., Path]) -> None:
    (record,) = read(folder("negotiation", players={"player_2_args": {"model_name": None}}))
    assert record.agents == {"seller": "gemini", "buyer": "Bob"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[]", "config.json: expected an object, {...} (found [])"),
        ('{"game_args": {}, "game_args": {}}', "config.json: more than once in one object: 'game_args'"),
        (
            '{"game_type": "bargaining", "game_args": {}, "player_1_args": {}, "player_2_args": {"public_name": "B"}}',
            "config.json: player_1_args.public_name: is missing",
        ),
    ],
)
def test_a_config_that_cannot_be_used_is_said_with_the_path_of_what_is_wrong(
    folder: Callable[..., Path], config: str, said: str
) -> None:
    path = folder("negotiation")
    (path / "config.json").write_text(config)
    assert faults(path) == [said]


def test_every_fault_of_every_folder_is_named_at_once(folder: Callable[..., Path]) -> None:
    rows = ROWS["bargaining"]
    folder("bargaining", [rows[0].replace("60.0,40.0", "60.005,39.995"), *rows[1:3], rows[3] + ",x"], name="1")
    folder("bargaining", [rows[0].replace("60.0", "sixty"), rows[1].replace("Bob", "Eve"), *rows[2:]], name="2")
    folder("bargaining", [rows[0].replace("60.0,", ","), rows[1].replace(",1,", ",2,"), *rows[2:]], name="3")
    folder("bargaining", rows[:3], name="4", show_inflation_update=False, prize=3)
    (folder("bargaining", name="5") / "game.csv").unlink()
    (folder("bargaining", name="6") / "config.json").write_text("{")
    folder("bargaining", [rows[0].replace("Fair", 2001 * "x"), *rows[1:]], name="7")
    path = folder("bargaining", [rows[0].replace('no?"', "no?"), *rows[1:]], name="8")
    found = faults(path.parent)
    for begins, said in [
        ("1/game.csv, row 1, alice_gain: expected at most two decimals", "such as"),
        ("1/game.csv, row 4, column 7: 7 cells, expected 6", ""),
        ("2/game.csv, row 1, alice_gain: ", "found 'sixty'"),
        ("2/game.csv, row 2, player: is 'Eve', expected 'Bob'", ""),
        ("3/game.csv, row 1, alice_gain: is missing", ""),
        ("3/game.csv, row 2, round: is '2', expected '1'", ""),
        ("4/config.json: game_args.prize: is not known", ""),
        ("4/game.csv, row 3, decision: is missing", ""),
        (f"{path.parent / '5' / 'game.csv'}: no such file", ""),
        ("6/config.json: is not JSON", ""),
        ("7/game.csv, row 1, message: String should have at most 2000 characters", ""),
        ("8/game.csv, line 5 of the file: unexpected end of data", "nothing below it was read"),
    ]:
        assert any(fault.startswith(begins) and said in fault for fault in found), (begins, said, found)


def test_a_folder_is_read_as_a_spreadsheet_would_write_it(folder: Callable[..., Path]) -> None:
    """Line ends within a message, a byte order mark, and a message of digits, which GLEE writes as a number."""
    path = folder("bargaining")
    with (path / "game.csv").open("w", encoding="utf-8-sig", newline="") as opened:
        write = csv.writer(opened)
        write.writerow(HEADERS["bargaining"].split(","))
        write.writerow([50, 50, 'é} "yes"\nRound 2', "Alice", 1, ""])
        write.writerow(["", "", "", "Bob", 1, "reject"])
        write.writerow([50, 50, 1000.0, "Bob", 2, ""])
        write.writerow(["", "", "", "Alice", 2, "accept"])
    (record,) = read(path)
    said = [
        answer["message"]
        for seat in ("alice", "bob")
        for answer in record.answers[seat]
        if answer and "message" in answer
    ]
    assert said == ['é} "yes"\nRound 2', "1000.0"]


# -- examples/glee.yaml -------------------------------------------------------------------------------------------


def test_the_example_is_the_papers_whole_grid() -> None:
    """384 + 576 + 360 configurations, each once, with the horizon told where GLEE tells it."""
    specs = expand(Experiment.load(Path(__file__).parents[2] / "examples" / "glee.yaml"), Builder(Plugins()))
    assert Counter(spec.environment for spec in specs) == {
        "games/Bargaining-v0": 384,
        "games/Negotiation-v0": 576,
        "games/Persuasion-v0": 360,
    }
    levels = defaultdict(set)
    for spec in specs:
        for name, value in spec.config.items():
            levels[spec.environment.split("/")[1][0] + " " + name].add(str(value))
    counts = {name: len(found) for name, found in levels.items() if len(found) > 1}
    shared = {"rounds": 2, "horizon_told": 2, "information": 2, "messages": 2}
    assert counts == {
        **{f"B {name}": count for name, count in ({"money": 3, "deltas": 16} | shared).items()},
        **{f"N {name}": count for name, count in ({"price": 3, "values": 16} | shared | {"rounds": 3}).items()},
        **{f"P {name}": 2 for name in ("seller_knows_values", "messages", "buyers")},
        **{"P price": 3, "P p": 3, "P v": 5},  # noqa: PIE800 (as the lines above)
    }
    assert all(spec.config["horizon_told"] == (spec.config["rounds"] <= 20) for spec in specs)
    assert len({spec.key for spec in specs}) == 1320
