"""The pictures that scorers offer: what is drawn where, and that text stays text."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from sandbox.figures import COLORS, PAPER, Dot, Point, dots, dots_size, looks, matrix, matrix_size, points


def drawn(draw: Callable[[Any], None]) -> Any:
    """The axes after `draw`."""
    axes = Figure(figsize=(7, 3), layout="constrained").subplots()
    draw(axes)
    return axes


def markers(axes: Any) -> list[tuple[float, float, str]]:
    return [
        (float(line.get_xdata()[0]), round(float(line.get_ydata()[0]), 2), line.get_marker())
        for line in axes.lines
        if line.get_marker() != "None"
    ]


def intervals(axes: Any) -> list[tuple[float, ...]]:
    """The ends of what is neither a marker nor a line across the whole axes."""
    lines = [line for line in axes.lines if line.get_marker() == "None" and line.get_transform() == axes.transData]
    return [tuple(map(float, line.get_xdata())) for line in lines]


def legend(axes: Any) -> list[str]:
    return [text.get_text() for one in axes.figure.legends for text in one.get_texts()]


def ticks(axes: Any) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_a_dot_stands_at_its_estimate_in_the_row_of_its_label_between_the_ends_of_its_interval() -> None:
    axes = drawn(lambda axes: dots(axes, [Dot("a", 0.25, 0.125, 0.5), Dot("b", 0.75)]))
    assert markers(axes) == [(0.25, 0.0, "o"), (0.75, 1.0, "o")]
    assert intervals(axes) == [(0.125, 0.5)]
    assert ticks(axes) == ["a", "b"]
    assert axes.get_ylim() == (1.5, -0.5)  # the first row at the top


def test_groups_share_a_row_side_by_side_and_differ_in_marker_and_colour() -> None:
    axes = drawn(lambda axes: dots(axes, [Dot("a", 0.5, group="one"), Dot("a", 0.5, group="two")]))
    assert markers(axes) == [(0.5, -0.12, "o"), (0.5, 0.12, "s")]
    assert legend(axes) == ["one", "two"]
    assert len({(look.marker, look.color) for look in looks([str(i) for i in range(32)]).values()}) == 32


def test_a_group_looks_the_same_where_others_are_missing() -> None:
    axes = drawn(lambda axes: dots(axes, [Dot("a", 0.5, group="two")], groups=["one", "two"]))
    assert markers(axes) == [(0.5, 0.0, "s")]
    assert legend(axes) == ["two"]


def test_a_dot_with_a_note_is_hollow_and_says_why() -> None:
    axes = drawn(lambda axes: dots(axes, [Dot("a", 0.0, note="not assessable"), Dot("b", 1.0, note="noise")]))
    assert [text.get_text() for text in axes.texts] == ["not assessable", "noise"]
    assert {to_hex(line.get_markerfacecolor()) for line in axes.lines if line.get_marker() != "None"} == {PAPER}


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.3), (0.7, 1.0), (0.06, 0.79), (0.0, 1.0)])
def test_a_note_stands_inside_the_axes_wherever_the_interval_is(low: float, high: float) -> None:
    row = Dot("a", (low + high) / 2, low, high, note="not assessable")
    axes = drawn(lambda axes: dots(axes, [row], percent=True))
    axes.figure.draw_without_rendering()
    (note,) = axes.texts
    assert axes.bbox.x0 <= note.get_window_extent().x0
    assert note.get_window_extent().x1 <= axes.bbox.x1


def test_a_note_that_all_dots_of_a_group_have_is_said_once() -> None:
    rows = [Dot(label, 0.5, group="one", note="noise") for label in "ab"] + [Dot("a", 0.5, group="two")]
    axes = drawn(lambda axes: dots(axes, rows))
    assert legend(axes) == ["one (noise)", "two"]
    assert not axes.texts


def test_an_estimate_that_is_not_known_has_no_dot() -> None:
    axes = drawn(lambda axes: dots(axes, [Dot("a", None), Dot("b", math.nan), Dot("c", None, note="no answer")]))
    assert not markers(axes)
    assert [text.get_text() for text in axes.texts] == ["no answer"]


def test_an_interval_without_an_end_goes_to_the_edge() -> None:
    axes = drawn(lambda axes: dots(axes, [Dot("a", 1.0, 0.0, None), Dot("b", 2.0)]))
    assert intervals(axes) == [(0.0, axes.get_xlim()[1])]


def test_shares_have_an_axis_from_nothing_to_all() -> None:
    axes = drawn(lambda axes: dots(axes, [Dot("a", 0.5)], percent=True, reference=0.25))
    assert axes.get_xlim() == pytest.approx((-0.02, 1.02))
    assert axes.xaxis.get_major_formatter()(0.25) == "25%"


def test_a_figure_grows_with_its_rows() -> None:
    rows = [Dot(str(label), 0.5, group=str(group)) for label in range(20) for group in range(4)]
    assert dots_size(rows)[1] > dots_size(rows[:8])[1]
    assert matrix_size(["a"] * 9, ["b"])[1] > matrix_size(["a"], ["b"])[1]


def test_a_matrix_writes_each_number_into_its_cell_and_shades_it() -> None:
    axes = drawn(lambda axes: matrix(axes, [[0.5, None], [1.0, math.inf]], ["a", "b"], ["x", "y"], percent=True))
    assert [(*text.get_position(), text.get_text()) for text in axes.texts] == [
        (0, 0, "50%"),
        (1, 0, "-"),
        (0, 1, "100%"),
        (1, 1, "-"),
    ]
    assert [patch.get_alpha() for patch in axes.patches] == [0.275, 0, 0.55, 0]


def test_long_names_of_columns_are_broken_or_slanted() -> None:
    broken = drawn(lambda axes: matrix(axes, [[0.1] * 4], ["a"], ["says safe, does a risky thing"] * 4))
    assert all("\n" in label.get_text() for label in broken.get_xticklabels())
    slanted = drawn(lambda axes: matrix(axes, [[0.1] * 9], ["a"], ["Professionalism"] * 9))
    assert {label.get_rotation() for label in slanted.get_xticklabels()} == {35}


def test_points_in_one_place_are_all_seen_and_others_left_out() -> None:
    rows = [Point(0.5, 0.5, "one"), Point(0.5, 0.5, "two", note="noise"), Point(math.nan, 0.5, "three")]
    axes = drawn(lambda axes: points(axes, rows, percent=True, diagonal=True))
    assert markers(axes) == [(0.5, 0.5, "o"), (0.5, 0.5, "s")]
    sizes = [line.get_markersize() for line in axes.lines if line.get_marker() != "None"]
    assert sizes[0] > sizes[1]
    assert legend(axes) == ["one", "two"]


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\ud800b", "x" * 500, "a\nb\u202e"])
def test_names_are_made_harmless_and_cut(name: str) -> None:
    """Models and pages may choose them."""
    for draw in (
        lambda axes: dots(axes, [Dot(name, 0.5, group=name, note=name)], xlabel=name),
        lambda axes: matrix(axes, [[0.5]], [name], [name], xlabel=name, ylabel=name),
        lambda axes: points(axes, [Point(0.5, 0.5, name, name, name)], xlabel=name, ylabel=name),
    ):
        axes = drawn(draw)
        said = [*ticks(axes), *legend(axes), axes.get_xlabel(), *(text.get_text() for text in axes.texts)]
        assert not any(char in text for text in said for char in "\x1b\ud800\u202e")
        assert all(len(text) < 100 for text in [*ticks(axes), *legend(axes)])


def test_nothing_is_drawn_of_nothing() -> None:
    assert not markers(drawn(lambda axes: dots(axes, [])))
    assert not markers(drawn(lambda axes: points(axes, [])))
    assert not drawn(lambda axes: matrix(axes, [], [], [])).texts


def test_colours_are_told_apart_from_the_first_to_the_last() -> None:
    assert len(set(COLORS)) == len(COLORS)


def test_plugins_import_the_pictures_without_matplotlib() -> None:
    """It takes half a second, and need not be installed."""
    code = "import sys, sandbox.figures; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
