"""What a run says of itself while it lasts."""

from __future__ import annotations

from contextlib import suppress

import pytest

from sandbox.cli.progress import Pace, _bar, line, progress_bar
from sandbox.runner.tally import Tally


class Clock:
    """Seconds, as a test has them pass."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_pace_is_that_of_the_last_half_minute() -> None:
    clock, so_far = Clock(), Tally()
    pace = Pace(clock)
    pace.see(so_far)
    for _ in range(100):  # one a second, then ten a second
        clock.now += 1
        so_far.add(Tally(done=1, steps=3))
        pace.see(so_far)
    for _ in range(40):
        clock.now += 1
        so_far.add(Tally(done=10, steps=30))
        pace.see(so_far)
    assert pace.words(so_far, 1000) == "10.0 episodes/s, 30 steps/s"
    assert pace.left(so_far, 1000) == pytest.approx(50)


def test_cost_is_projected_and_what_is_unknown_is_said() -> None:
    pace = Pace(Clock())
    known = Tally(done=5, calls=5, tokens=1200, cost_usd=0.5)
    assert pace.words(known, 50) == "1,200 tokens, $0.50 of about $5.00"
    unknown = Tally(done=5, calls=5, tokens=1200, unpriced={"mine"})
    assert pace.words(unknown, 50) == "1,200 tokens, cost of mine unknown"
    assert pace.words(Tally(done=5, calls=5, tokens=9), 50) == "9 tokens", "a model that costs nothing"
    assert pace.words(Tally(done=5, steps=5), 50) == "", "no model was asked"


def test_where_there_is_no_terminal_the_end_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    so_far = Tally()
    with progress_bar("an \x1b[31mexperiment") as update:
        update(so_far, 2)
        so_far.add(Tally(done=1, failed=1, steps=2))
        update(so_far, 2)
        so_far.add(Tally(done=1, steps=2))
        update(so_far, 2)
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("an ␛[31mexperiment: 2 of 2 episodes: 1 failed, ")


def test_in_a_narrow_terminal_no_count_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All columns gave way alike: "3… 0…" stood for 35 of 150 episodes."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    with _bar("cost") as update:
        update(Tally(done=150, steps=3000, calls=3000, tokens=4_466_250, cost_usd=446.63, failed=12), 150)
    said = capsys.readouterr().err
    assert "150/150" in said
    assert "…" not in said
    assert " ".join(said.split()).endswith("$446.63 of about $446.63")


def test_a_run_that_goes_on_says_so_first(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("one") as update:
        update(Tally(earlier=312), 88)
    with progress_bar("two") as update:
        update(Tally(earlier=400), 0)
    assert capsys.readouterr().err.splitlines() == [
        "resuming: 312 of 400 episodes are done",
        "nothing is left to be run: all 400 episodes are done",
    ]


def test_a_run_that_was_interrupted_says_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    with suppress(KeyboardInterrupt), progress_bar("one") as update:
        update(Tally(), 10)
        update(Tally(done=3, steps=3), 10)
        raise KeyboardInterrupt
    assert capsys.readouterr().err.startswith("one: 3 of 10 episodes: ")


def test_no_more_run_than_are_left() -> None:
    pace = Pace(Clock())
    assert pace.words(Tally(done=5, failed=2, running=8), 50) == "8 running, 2 failed"
    assert pace.words(Tally(done=48, running=8), 50) == "2 running"
    assert pace.words(Tally(done=50, running=1), 50) == ""


def test_times_are_given_in_the_unit_that_fits() -> None:
    clock, so_far = Clock(), Tally()
    pace = Pace(clock)
    pace.see(so_far)
    clock.now = 1.0
    so_far.add(Tally(done=1, steps=1))
    pace.see(so_far)
    left = [line(pace, so_far, total).partition(",")[0] for total in (46, 186, 7801)]
    assert left == ["45 s left", "3:05 min left", "2:10 h left"]
