"""Pictures that scorers offer to the report: dots with intervals, a grid of numbers, a plane of points.

For the `draw` of a `sandbox.scorer.Figure`: each takes matplotlib axes and draws on them. Groups (agents, as a rule)
are told apart by marker and by colour, so that a grey print can be read; give all of a table's agents as `groups`, and
an agent looks the same in every picture. Text is data: it is made harmless here, and never read as mathematics. Colours
are those below, which the report exchanges for others where the reader's screen is dark.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.text import display_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, RULE, PAPER = "#1c2128", "#5d6672", "#d5dae0", "#ffffff"
"""Text and axes; notes and references; grid lines; the ground."""
COLORS = ("#0b5cad", "#c2570c", "#1a7f5a", "#8e44ad", "#8a6d00", "#b8264f", "#0e7c86", "#59636e")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
WIDTH = 7.0
"""Inches that a figure of the report is wide, as a rule."""
LABEL, NAME = 44, 30
"""Characters of a row's and of a group's name that are shown."""


@dataclass(frozen=True)
class Look:
    """How a group looks in every picture: what `axes.plot(..., **look.line)` draws for it."""

    color: str
    marker: str
    dashes: Any = "-"

    @property
    def line(self) -> dict[str, Any]:
        """Arguments of `axes.plot` for a line with markers."""
        return {"color": self.color, "marker": self.marker, "linestyle": self.dashes, "markersize": 5.5}


def looks(groups: Sequence[str]) -> dict[str, Look]:
    """A look for each group, in order; different ones for the first 32."""
    named = enumerate(dict.fromkeys(groups))
    # A marker and a dash pattern each go around; the shift keeps the ninth from being the first again.
    return {
        name: Look(
            COLORS[place % len(COLORS)],
            MARKERS[(place + place // len(COLORS)) % len(MARKERS)],
            DASHES[place % len(DASHES)],
        )
        for place, name in named
    }


@dataclass(frozen=True)
class Dot:
    """A number in a row of its own.

    Attributes:
        label: of the row; dots with one label share it.
        estimate: None draws no dot, but its `note`.
        low, high: ends of the interval; None: none, or where only one is None, not bounded on that side.
        group: whose it is, told apart by marker and colour; '' for one kind only.
        note: why it is not to be taken at its word (`not assessable`), in a few words: the dot is drawn hollow, its
            interval broken, and the note beside them.
    """

    label: str
    estimate: float | None
    low: float | None = None
    high: float | None = None
    group: str = ""
    note: str = ""


def dots(
    axes: Axes,
    rows: Sequence[Dot],
    *,
    reference: float | None = None,
    xlabel: str = "",
    percent: bool = False,
    groups: Sequence[str] = (),
) -> None:
    """A row per label, first at the top, with a dot and its interval per group.

    Args:
        axes: matplotlib's.
        rows: what is shown; numbers that are not finite are left out.
        reference: where a thin vertical line stands (chance, no difference).
        xlabel: what the numbers are, with their unit.
        percent: the numbers are shares: the axis is that from 0 to 100 %.
        groups: all groups in their order, also those without a dot here; by default those of `rows`.
    """
    labels = list(dict.fromkeys(row.label for row in rows))
    present = list(dict.fromkeys(row.group for row in rows))
    look = looks([*groups, *present])
    shown = [name for name in look if name in present]
    ends = [x for row in rows for x in (row.estimate, row.low, row.high) if x is not None and math.isfinite(x)]
    left, right = _range(ends + ([reference] if reference is not None else []), percent)
    axes.set_xlim(left, right)
    axes.set_ylim(max(1, len(labels)) - 0.5, -0.5)
    if reference is not None:
        axes.axvline(reference, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    shared = _shared_notes(rows)
    for row in rows:
        place = labels.index(row.label) + _dodge(shown.index(row.group), len(shown))
        _dot(axes, row, place, look[row.group], (left, right), "" if row.group in shared else row.note)
    axes.set_yticks(range(len(labels)), labels=[display_line(label, LABEL) or "all" for label in labels])
    axes.tick_params(axis="y", length=0)
    for edge in range(1, len(labels)):
        axes.axhline(edge - 0.5, color=RULE, linewidth=0.6, zorder=0)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    _finish(axes, xlabel, "", percent)
    _legend(axes, [name for name in shown if name], look, shared, line=True)


def dots_size(rows: Sequence[Dot], width: float = WIDTH) -> tuple[float, float]:
    """The `size` of a figure, in inches, in which `dots` has room for its rows."""
    groups = len({row.group for row in rows})
    row_height = max(0.27, 0.13 * groups + 0.12)
    shared = _shared_notes(rows)
    names = [_named(name, shared) for name in dict.fromkeys(row.group for row in rows) if name]
    legend = 0.2 * math.ceil(len(names) / _columns(names, width)) + 0.1 if names else 0.0
    return (width, round(0.75 + legend + row_height * len({row.label for row in rows}), 2))


def matrix(
    axes: Axes,
    cells: Sequence[Sequence[float | None]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    low: float = 0.0,
    high: float = 1.0,
    xlabel: str = "",
    ylabel: str = "",
    percent: bool = False,
    notes: Sequence[Sequence[str]] = (),
) -> None:
    """A grid of numbers, first row at the top, each written in its cell and shaded from `low` (none) to `high`.

    A cell that is None or not finite has a dash and no shade. `percent`: the numbers are shares, written as such.
    `notes`: for each cell a few words below its number, such as an interval, or ''; none of them at all by default.
    """
    from matplotlib.patches import Rectangle

    for y, line in enumerate(cells):
        for x, value in enumerate(line):
            known = value is not None and math.isfinite(value)
            number = float(value) if known and value is not None else 0.0
            share = min(1.0, max(0.0, (number - low) / (high - low))) if known and high > low else 0.0
            # At most 55 %: the number stays readable in one ink on every shade, on white and on black.
            axes.add_patch(
                Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=COLORS[0], alpha=0.55 * share, linewidth=0, zorder=0)
            )
            text = (f"{number:.0%}" if percent else _short(number)) if known else "-"
            note = display_line(notes[y][x], NAME) if notes else ""
            above = 0.15 if note else 0.0
            axes.text(x, y - above, text, ha="center", va="center", color=INK if known else MUTED, fontsize=9)
            if note:
                axes.text(x, y + 0.24, note, ha="center", va="center", color=MUTED, fontsize=7)
    axes.set_xlim(-0.5, max(1, len(columns)) - 0.5)
    axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
    figure: Any = axes.figure
    wrapped = _wrapped(columns, rows, figure.get_figwidth())
    labels = wrapped or [display_line(name, NAME) for name in columns]
    axes.set_xticks(range(len(columns)), labels=labels)
    axes.set_yticks(range(len(rows)), labels=[display_line(name, LABEL) for name in rows])
    if not wrapped:
        axes.tick_params(axis="x", labelrotation=35)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.tick_params(length=0)
    for x in range(len(columns) + 1):
        axes.axvline(x - 0.5, color=RULE, linewidth=0.8, zorder=1)
    for y in range(len(rows) + 1):
        axes.axhline(y - 0.5, color=RULE, linewidth=0.8, zorder=1)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(display_line(xlabel))
    axes.set_ylabel(display_line(ylabel))


def matrix_size(
    rows: Sequence[str], columns: Sequence[str], width: float = WIDTH, *, notes: bool = False
) -> tuple[float, float]:
    """The `size` of a figure, in inches, in which `matrix` has room for its rows, with `notes` or without."""
    wrapped = _wrapped(columns, rows, width)
    longest = max((min(len(name), NAME) for name in columns), default=0)
    labels = 0.16 * max(label.count("\n") + 1 for label in wrapped) if wrapped else 0.05 * longest + 0.1
    return (width, round(0.3 + labels + (0.42 if notes else 0.3) * len(rows), 2))


def _wrapped(columns: Sequence[str], rows: Sequence[str], width: float) -> list[str]:
    """The columns' names in lines that fit over each other; none where a word is too long, and they must slant."""
    room = int(13 * (width - 0.075 * max((min(len(name), LABEL) for name in rows), default=0) - 0.3))
    letters = room // max(1, len(columns)) - 1
    names = [textwrap.wrap(display_line(name, NAME), max(1, letters), break_long_words=False) for name in columns]
    fits = all(len(line) <= letters for lines in names for line in lines)
    return ["\n".join(lines) for lines in names] if fits else []


@dataclass(frozen=True)
class Point:
    """A pair of numbers; `label` is written beside it, `group` and `note` are as for `Dot`."""

    x: float
    y: float
    group: str = ""
    label: str = ""
    note: str = ""


def points(
    axes: Axes,
    rows: Sequence[Point],
    *,
    xlabel: str = "",
    ylabel: str = "",
    percent: bool = False,
    diagonal: bool = False,
    groups: Sequence[str] = (),
) -> None:
    """Points of a plane, told apart by group.

    Args:
        axes: matplotlib's.
        rows: what is shown; numbers that are not finite are left out.
        xlabel: what x is, with its unit.
        ylabel: what y is, with its unit.
        percent: both numbers are shares: both axes are those from 0 to 100 %.
        diagonal: draw the line on which both numbers are equal.
        groups: all groups in their order, also those without a point here; by default those of `rows`.
    """
    rows = [row for row in rows if math.isfinite(row.x) and math.isfinite(row.y)]
    present = dict.fromkeys(row.group for row in rows)
    look = looks([*groups, *present])
    horizontal, vertical = (_range([getattr(row, name) for row in rows], percent) for name in ("x", "y"))
    if diagonal:
        horizontal = vertical = (min(horizontal[0], vertical[0]), max(horizontal[1], vertical[1]))
        axes.plot(horizontal, vertical, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    axes.set_xlim(*horizontal)
    axes.set_ylim(*vertical)
    for place, row in enumerate(rows):
        # Of points in one place the earlier are larger, so that each is seen.
        above = sum((other.x, other.y) == (row.x, row.y) for other in rows[place + 1 :])
        size = 6.5 + 5.0 * above
        _marker(axes, row.x, row.y, look[row.group], hollow=bool(row.note), size=size, rim=not row.note)
        text = ", ".join(display_line(part, NAME) for part in (row.label, row.note) if part)
        if text:
            beyond = row.x > horizontal[0] + 0.7 * (horizontal[1] - horizontal[0])  # write towards the middle
            axes.annotate(
                text,
                (row.x, row.y),
                xytext=((-4 - size / 2) if beyond else (4 + size / 2), 0),
                textcoords="offset points",
                ha="right" if beyond else "left",
                va="center",
                color=MUTED,
                fontsize=8,
            )
    axes.grid(axis="both")
    _finish(axes, xlabel, ylabel, percent, both=True)
    _legend(axes, [name for name in look if name in present and name], look, {}, line=False)


def _shared_notes(rows: Sequence[Dot]) -> dict[str, str]:
    """Group -> the note that all its dots have: the legend says it once."""
    notes: dict[str, set[str]] = {}
    for row in rows:
        notes.setdefault(row.group, set()).add(row.note)
    return {group: next(iter(said)) for group, said in notes.items() if group and len(said) == 1 and said != {""}}


def _named(group: str, notes: Mapping[str, str]) -> str:
    """A group as the legend has it."""
    name = display_line(group, NAME)
    return f"{name} ({display_line(notes[group], NAME)})" if group in notes else name


def _dot(axes: Axes, row: Dot, place: float, look: Look, limits: tuple[float, float], note: str) -> None:
    low, high = row.low, row.high
    if row.estimate is not None and (low is not None or high is not None):
        start = low if low is not None and math.isfinite(low) else limits[0]
        end = high if high is not None and math.isfinite(high) else limits[1]
        dashes = (0, (1.5, 1.5)) if row.note else "-"
        axes.plot([start, end], [place, place], color=look.color, linewidth=1.6, linestyle=dashes, zorder=2)
    known = row.estimate is not None and math.isfinite(row.estimate)
    if known and row.estimate is not None:
        _marker(axes, row.estimate, place, look, hollow=bool(row.note))
    if note:
        ends = [x for x in (row.estimate, low, high) if known and x is not None and math.isfinite(x)]
        room = 0.28 * (limits[1] - limits[0])
        ground = None
        if (at := max(ends, default=limits[0])) <= limits[1] - room:
            way = 1
        elif (at := min(ends, default=limits[1])) >= limits[0] + room:
            way = -1
        else:  # no room on either side: over the end of the interval, and not over the rows' names
            at, way, ground = limits[1], -1, {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}
        axes.annotate(
            display_line(note, NAME),
            (at, place),
            xytext=(7 * way, 0),
            textcoords="offset points",
            ha="left" if way > 0 else "right",
            va="center",
            color=MUTED,
            fontsize=7.5,
            fontstyle="italic",
            bbox=ground,
        )


def _marker(axes: Axes, x: float, y: float, look: Look, *, hollow: bool, size: float = 5.5, rim: bool = False) -> None:
    axes.plot(
        [x],
        [y],
        marker=look.marker,
        markersize=size * (1.2 if look.marker in "^v" else 1.0),  # they look smaller than they are
        color=look.color,
        markerfacecolor=PAPER if hollow else look.color,
        markeredgecolor=PAPER if rim else look.color,
        markeredgewidth=1.2,
        linestyle="none",
        clip_on=False,
        zorder=3,
    )


def _dodge(place: int, count: int) -> float:
    """Where in its row a group stands: the rows' distance is 1."""
    return (place - (count - 1) / 2) * min(0.24, 0.8 / count)


def _range(values: Sequence[float], percent: bool) -> tuple[float, float]:
    """The ends of an axis that shows all values and a margin."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if percent:
        low, high = min(low, 0.0), max(high, 1.0)
    margin = (high - low) * (0.02 if percent else 0.06) or 0.5
    return low - margin, high + margin


def _finish(axes: Axes, xlabel: str, ylabel: str, percent: bool, both: bool = False) -> None:
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(display_line(xlabel))
    axes.set_ylabel(display_line(ylabel))
    if percent:
        for axis in (axes.xaxis, axes.yaxis) if both else (axes.xaxis,):
            axis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _columns(names: Sequence[str], width: float) -> int:
    """How many names of a legend stand side by side; a letter is 5.1 points wide, a sign with its spaces 26."""
    longest = max((len(name) for name in names), default=1)
    return max(1, int(72 * width / (5.1 * longest + 26)))


def _legend(
    axes: Axes, groups: Sequence[str], look: Mapping[str, Look], notes: Mapping[str, str], *, line: bool
) -> None:
    """Above the axes; none where there is nothing to tell apart."""
    from matplotlib.lines import Line2D

    if not groups:
        return
    handles = [
        Line2D(
            [],
            [],
            color=look[name].color,
            marker=look[name].marker,
            markersize=5.5 * (1.2 if look[name].marker in "^v" else 1.0),
            markerfacecolor=PAPER if name in notes else look[name].color,
            linewidth=1.6 if line else 0,
            linestyle=(0, (1.5, 1.5)) if name in notes else "-",
            label=_named(name, notes),
        )
        for name in groups
    ]
    figure: Any = axes.figure
    columns = min(len(groups), _columns([_named(name, notes) for name in groups], figure.get_figwidth()))
    figure.legend(
        # matplotlib fills column by column; names are read line by line.
        handles=[handle for place in range(columns) for handle in handles[place::columns]],
        loc="outside upper left",
        ncols=columns,
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def _short(number: float) -> str:
    return f"{number:.2f}" if abs(number) < 100 else f"{number:.0f}"
