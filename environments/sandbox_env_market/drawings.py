"""How things look that a shop sells: one function draws each, in shapes on 200 by 200 units.

To add a thing: a function here, and a line of `_THINGS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from textwrap import wrap

from sandbox_env_market.characters import plain

QUIET = ("#2f66b3", "#43474d", "#b8302f", "#2b7f80", "#8a9097", "#6d7140", "#b5714a", "#434a9c")
"""Colours for what nobody has named one for."""


class Pen:
    """Collects shapes. Each is filled, and then shaded: `round` as a tube, `flat` as a wall, `ball` as a ball."""

    def __init__(self, colour: str, style: int) -> None:
        self.colour = colour
        self.dark, self.light = _mixed(colour, 0, 0.45), _mixed(colour, 255, 0.5)
        self.trim = "#2d3138" if style & 1 else "#c3c8ce"
        self.odd, self.second = bool(style & 1), bool(style & 2)
        self.shapes: list[str] = []

    def path(self, d: str, fill: str = "", shade: str = "round") -> None:
        """A filled outline."""
        self._put(f'<path d="{d}"', fill, shade)

    def rect(
        self, x: float, y: float, w: float, h: float, r: float = 0, fill: str = "", shade: str = "round", turn: str = ""
    ) -> None:
        """A rectangle with round corners; `turn` is an SVG rotation: `-20 100 100`."""
        turned = f' transform="rotate({turn})"' if turn else ""
        self._put(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}"{turned}', fill, shade)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: str = "", shade: str = "ball") -> None:
        """An ellipse."""
        self._put(f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}"', fill, shade)

    def line(self, d: str, width: float, colour: str = "") -> None:
        """A stroke."""
        self.shapes.append(
            f'<path d="{d}" fill="none" stroke="{colour or self.colour}" stroke-width="{width}"'
            ' stroke-linecap="round" stroke-linejoin="round"/>'
        )

    def _put(self, shape: str, fill: str, shade: str) -> None:
        self.shapes.append(f'{shape} fill="{fill or self.colour}"/>')
        if shade:
            self.shapes.append(f'{shape} fill="url(#{shade})"/>')


def known(thing: str) -> tuple[str, Callable[[Pen], None]] | None:
    """What a thing is called and the function that draws it, by the words in its name or title; None: nobody has."""
    found = {match[1] for match in _NAMED.finditer(thing[:500].lower())}
    return next(((noun, draw) for key, noun, draw in _THINGS if key in found), None) if found else None


def _mixed(colour: str, other: int, share: float) -> str:
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(c + (other - c) * share):02x}" for c in channels)


def box(pen: Pen, name: str) -> None:
    """Whatever nobody has drawn: a carton with its name on it."""
    pen.oval(100, 176, 78, 9, "url(#floor)", shade="")
    pen.path("M38 74 L100 92 L100 174 L38 152Z", "#c9a77c", "flat")
    pen.path("M162 74 L100 92 L100 174 L162 152Z", "#b8946a", "flat")
    pen.path("M38 74 L100 56 L162 74 L100 92Z", "#dcc09a", "flat")
    pen.path("M66 65 L76 62 L138 81 L128 84Z M128 84 L138 81 L138 100 L128 103Z", "#efe3cf", "")
    for i, line in enumerate(wrap(plain(name[:200]), 24)[:2]):
        pen.shapes.append(
            f'<text x="100" y="{26 + 18 * i}" font-family="Arial, sans-serif" font-size="15" fill="#4a5058"'
            f' text-anchor="middle">{escape(line)}</text>'
        )


def _kettle(pen: Pen) -> None:
    pen.line("M138 72 C176 74 176 140 142 146", 11, pen.trim)
    pen.path("M66 84 L34 66 L44 60 L74 68Z", pen.dark if pen.odd else pen.colour)
    if pen.second:
        pen.path("M70 60 H130 Q150 100 150 158 H50 Q50 100 70 60Z")
    else:
        pen.path("M64 60 H136 L146 158 H54Z")
    pen.path("M70 60 Q100 40 130 60Z", pen.trim)
    pen.rect(93, 40, 14, 10, 4, "#2d3138")
    pen.rect(48, 156, 104, 16, 6, "#2d3138", "flat")
    if pen.odd:
        pen.rect(94, 84, 12, 54, 6, "#dfeaf2", "")
        pen.rect(94, 108, 12, 30, 6, "#7fb2dc", "")


def _earbuds(pen: Pen) -> None:
    pen.rect(44, 106, 112, 66, 30 if pen.second else 18, shade="flat")
    pen.line("M46 132 H154", 2, pen.dark)
    pen.oval(100, 150, 4, 3, "#9fe0a8", "")
    for x, lean in ((66, 8), (134, -8)):
        pen.rect(x - 7, 52, 14, 52, 7, pen.colour, "round", f"{lean} {x} 70")
        pen.oval(x, 48, 20, 18)
        pen.oval(x + lean, 42, 9, 8, "#2d3138" if pen.odd else pen.light)


def _headphones(pen: Pen) -> None:
    pen.line("M44 116 C40 20 160 20 156 116", 13, pen.colour)
    pen.line("M56 88 C60 34 140 34 144 88", 5, pen.trim)
    for x, side in ((46, 1), (154, -1)):
        pen.rect(x - 17, 98, 34, 66, 16)
        pen.rect(x + 11 * side - 8, 102, 16, 58, 8, "#2d3138")


def _backpack(pen: Pen) -> None:
    pen.line("M84 40 C84 18 116 18 116 40", 7, pen.dark)
    pen.path("M56 70 Q56 34 100 34 Q144 34 144 70 L152 160 Q152 174 136 174 H64 Q48 174 48 160Z")
    pen.path("M62 118 H138 L142 162 Q142 170 134 170 H66 Q58 170 58 162Z", pen.dark if pen.odd else pen.colour, "flat")
    pen.line("M60 82 Q100 70 140 82", 3, pen.trim)
    pen.line("M64 128 H136", 2.5, pen.trim)
    pen.rect(132, 79, 5, 14, 2, pen.trim, "")
    if pen.second:
        pen.line("M72 46 L66 116 M128 46 L134 116", 6, pen.dark)
    pen.rect(86, 96, 28, 12, 3, pen.light, "")


def _lamp(pen: Pen) -> None:
    pen.oval(100, 168, 44, 9, pen.dark, "flat")
    if pen.second:
        pen.line("M100 166 C100 120 70 100 84 60 C90 44 106 44 116 54", 6, pen.trim)
        pen.path("M104 40 L150 62 L128 96 L98 66Z")
        pen.oval(140, 79, 21, 9, "#fff3c4", "")
    else:
        pen.line("M100 166 L72 108 L112 58", 6, pen.trim)
        pen.oval(72, 108, 7, 7, "#2d3138")
        pen.path("M96 48 Q120 24 142 52 L160 92 L92 92Z" if pen.odd else "M98 44 H128 L154 90 H78Z")
        pen.path("M84 92 H158 L150 98 H92Z", "#fff3c4", "")


def _bulb(pen: Pen) -> None:
    pen.oval(100, 84, 66, 66, "#fff5cf", "")
    pen.path("M100 32 C60 32 46 66 58 92 C66 108 78 114 80 134 H120 C122 114 134 108 142 92 C154 66 140 32 100 32Z",
             "#fbe7a1", "ball")  # fmt: skip
    pen.rect(80, 134, 40, 28, 4, pen.trim)
    pen.line("M80 143 H120 M80 152 H120", 2.5, "#70757c")
    pen.rect(92, 162, 16, 10, 4, "#2d3138")
    if pen.odd:
        pen.line("M86 132 L80 94 L92 102 L100 90 L108 102 L120 94 L114 132", 2.5, "#d08a1e")


def _chair(pen: Pen) -> None:
    pen.line("M100 128 V152 M100 152 L60 166 M100 152 L140 166 M100 152 V172", 7, "#3a3f46")
    for x, y in ((60, 170), (140, 170), (100, 174)):
        pen.oval(x, y, 6, 6, "#23262b")
    pen.path("M66 34 Q100 18 134 34 L140 104 Q100 112 60 104Z")
    if pen.second:
        pen.line("M72 50 Q100 40 128 50 M70 68 Q100 60 130 68 M68 86 Q100 80 132 86", 2.5, pen.dark)
    else:
        pen.path("M74 40 Q100 28 126 40 L129 58 Q100 50 71 58Z", pen.dark, "")
    pen.path("M52 112 Q100 102 148 112 L152 128 Q100 138 48 128Z", pen.colour, "flat")
    pen.line("M48 120 V88 H62 M152 120 V88 H138", 6, "#3a3f46" if pen.odd else pen.trim)


def _shoe(pen: Pen) -> None:
    pen.path("M30 138 Q26 84 44 74 Q66 100 92 86 Q118 118 160 124 Q180 130 178 146 L30 150Z")
    pen.path("M26 142 H180 Q184 166 166 168 H40 Q24 166 26 142Z", "#f4f4f2" if pen.odd else pen.light, "flat")
    pen.line("M30 156 H178", 3, pen.dark)
    pen.path("M44 74 Q60 96 90 86 L82 76 Q64 82 52 68Z", pen.dark, "")
    pen.line("M92 96 L104 84 M104 104 L116 94 M116 112 L128 102", 4, "#fff")
    if pen.second:
        pen.line("M52 136 Q80 130 100 104", 7, pen.light)
    else:
        pen.line("M56 138 L76 108 M70 138 L90 108 M84 138 L102 112", 5, pen.light)


def _boot(pen: Pen) -> None:
    pen.path("M62 44 H112 L116 104 Q146 112 164 126 Q172 136 170 152 H58Z")
    pen.path("M54 150 H174 V162 Q172 172 160 172 H150 L146 166 H118 L112 172 H60 Q54 172 54 162Z", "#3a332c", "flat")
    pen.path("M58 38 H116 V54 H58Z", pen.dark, "flat")
    pen.line("M96 62 L118 68 M96 76 L118 82 M98 90 L120 96 M102 104 L126 108", 4, "#e9d9b0")
    pen.line("M66 112 Q90 118 98 150", 3, pen.dark)


def _power_bank(pen: Pen) -> None:
    pen.line("M112 44 C112 20 160 26 158 60 C156 90 172 90 172 112", 5, "#4a4f57")
    if pen.second:
        pen.rect(48, 44, 88, 128, 16)
    else:
        pen.rect(58, 36, 70, 136, 12, turn="4 93 104")
    pen.rect(80, 40, 24, 7, 3, "#2d3138", "")
    for i in range(4):
        pen.oval(74 + 12 * i, 66, 3.4, 3.4, "#8ce39a" if i < 3 else pen.dark, "")
    pen.path("M96 96 L80 124 H93 L88 148 L108 116 H95Z", pen.light if pen.odd else "#fff", "")


def _vacuum(pen: Pen) -> None:
    pen.line("M76 62 L128 154", 9, pen.trim)
    pen.path("M104 150 H162 Q170 152 170 162 V170 H98 V160 Q98 152 104 150Z", "#3a3f46", "flat")
    pen.rect(48, 40, 60, 36, 16, turn="16 78 58")
    pen.path("M50 66 L92 78 L84 112 Q70 120 52 108Z", "#cfe0ea", "round")
    pen.path("M52 92 L86 100 L83 112 Q70 120 53 108Z", "#a99f92", "")
    pen.line("M50 46 C26 40 26 84 46 84", 9, "#3a3f46" if pen.odd else pen.dark)
    pen.oval(96, 62, 10, 10, pen.dark)
    if pen.second:
        pen.rect(106, 160, 56, 5, 2, pen.colour, "")


def _coffee(pen: Pen) -> None:
    pen.rect(44, 36, 112, 30, 8, shade="flat")
    pen.rect(44, 60, 36, 104, 4)
    pen.rect(40, 160, 120, 14, 5, "#2d3138", "flat")
    if pen.odd:
        pen.rect(98, 66, 34, 12, 3, pen.trim)
        pen.line("M132 74 L164 80", 7, "#2d3138")
        pen.path("M98 128 H136 L132 160 H102Z", "#f6f6f4")
        pen.line("M136 134 C152 134 150 152 134 150", 4, "#e2e2df")
        pen.line("M112 80 V124 M120 80 V124", 2, "#5b3b24")
    else:
        pen.rect(96, 66, 44, 16, 3, "#2d3138")
        pen.path("M92 96 H146 L150 158 H88Z", "#d8e4ea")
        pen.path("M90 122 H148 L150 158 H88Z", "#4b2f1d")
        pen.line("M148 104 C168 106 166 146 150 146", 6, "#2d3138")
    pen.oval(62, 51, 6, 6, "#e6b34a" if pen.second else "#8ce39a")


def _laptop(pen: Pen) -> None:
    pen.rect(42, 46, 116, 86, 7, "#2d3138", "flat")
    pen.rect(48, 52, 104, 72, 2, "#bcd6ea", "flat")
    pen.path("M48 124 V100 Q78 76 100 98 T152 84 V124Z", pen.light if pen.second else "#7ea8c9", "")
    pen.path("M30 132 H170 L182 164 Q182 170 174 170 H26 Q18 170 18 164Z", pen.colour, "flat")
    pen.path("M44 137 H156 L162 152 H38Z", "#3a3f46", "")
    pen.line("M42 142 H158 M40 147 H160", 1, pen.light)
    pen.path("M82 156 H118 L120 166 H80Z", pen.dark if pen.odd else pen.light, "")


def _monitor(pen: Pen) -> None:
    pen.rect(92, 130, 16, 34, 0, pen.trim)
    pen.oval(100, 168, 40, 7, pen.trim, "flat")
    pen.rect(20, 36, 160, 98, 6, "#2d3138" if pen.odd else pen.colour, "flat")
    pen.rect(26, 42, 148, 84, 2, "#a9cbe4", "flat")
    pen.path("M26 126 V98 Q64 66 96 98 T174 82 V126Z", pen.colour, "")
    pen.oval(136, 66, 12, 12, "#fff3c4", "")


def _keyboard(pen: Pen) -> None:
    pen.path("M26 88 H174 L186 156 Q186 164 178 164 H22 Q14 164 14 156Z", pen.colour, "flat")
    for row in range(4):
        y, spread = 95 + 16 * row, 3 * row
        for i in range(10):
            x = 32 - spread + i * (13.8 + spread * 0.14)
            key = "#e0792b" if pen.odd and (row, i) in ((0, 0), (2, 9)) else pen.light if pen.second else "#f1f2f3"
            if row < 3 or i not in (3, 4, 5, 6):
                pen.rect(round(x, 1), y, 11, 12, 2.5, key, "flat")
    pen.rect(65, 143, 66, 12, 3, pen.light if pen.second else "#f1f2f3", "flat")


def _mouse(pen: Pen) -> None:
    pen.line("M100 62 C100 34 130 40 132 20", 4, "#4a4f57") if pen.odd else None
    pen.path("M100 52 C136 52 142 88 142 118 C142 154 124 174 100 174 C76 174 58 154 58 118 C58 88 64 52 100 52Z",
             "", "ball")  # fmt: skip
    pen.line("M100 53 V104 M60 106 Q100 116 140 106", 2, pen.dark)
    pen.rect(94, 68, 12, 28, 6, pen.light if pen.second else "#2d3138")


def _mouse_pad(pen: Pen) -> None:
    pen.path("M30 80 H170 L188 156 Q188 164 180 164 H20 Q12 164 12 156Z", pen.colour, "flat")
    pen.path("M12 156 Q12 164 20 164 H180 Q188 164 188 156 V162 Q188 170 180 170 H20 Q12 170 12 162Z", pen.dark, "")
    pen.line("M36 86 H164 L180 156 H20Z", 1.6, pen.light)
    if pen.second:
        pen.line("M40 140 C70 100 110 150 160 96 M50 152 C86 116 120 156 170 116", 4, pen.light)
    pen.path("M112 96 C132 96 138 112 140 124 C142 138 132 146 120 146 C104 146 98 136 98 122 C98 108 102 96 112 96Z",
             "#3a3f46", "ball")  # fmt: skip
    pen.line("M113 98 L116 118", 1.6, "#8a9097")


def _phone(pen: Pen) -> None:
    pen.rect(62, 22, 78, 150, 14, turn="4 100 100")
    pen.rect(67, 28, 68, 138, 9, "#1e2a3a", "flat", "4 100 100")
    if pen.second:
        pen.path("M70 130 Q96 90 130 112 L128 160 Q98 168 66 162Z", pen.light, "")
    for i in range(12):
        pen.rect(76 + 15 * (i % 4) - 3 * (i // 4) * 0.4, 56 + 16 * (i // 4), 10, 10, 3,
                 ("#e8735a", "#7fb2dc", "#92b93a", "#e3bd3a")[(i + pen.odd) % 4], "flat", "4 100 100")  # fmt: skip
    pen.oval(103, 37, 4, 4, "#0d1117", "")


def _phone_case(pen: Pen) -> None:
    pen.rect(58, 20, 84, 154, 18)
    pen.rect(66, 30, 34, 40, 10, pen.dark, "flat")
    for x, y in ((77, 42), (77, 59), (90, 50)):
        pen.oval(x, y, 6.4, 6.4, "#14181d")
        pen.oval(x - 1.5, y - 1.5, 2, 2, "#6f8aa5", "")
    if pen.odd:
        pen.line("M62 150 L138 84 M62 166 L138 100", 5, pen.light)
    if pen.second:
        pen.oval(100, 116, 20, 20, pen.light, "")
        pen.oval(100, 116, 14, 14, pen.colour, "")


def _tablet(pen: Pen) -> None:
    pen.rect(46, 24, 108, 148, 10, "#2d3138" if pen.odd else pen.colour, "flat")
    pen.rect(54, 34, 92, 122, 2, "#8fb7d6", "flat")
    pen.path("M54 156 V120 Q80 80 104 116 T146 100 V156Z", pen.light if pen.second else pen.dark, "")
    pen.oval(122, 62, 12, 12, "#fff3c4", "")
    pen.oval(100, 164, 4, 4, pen.light, "")


def _reader(pen: Pen) -> None:
    pen.rect(46, 24, 108, 148, 10, shade="flat")
    pen.rect(54, 34, 92, 118, 2, "#eeeae0", "flat")
    pen.line("M62 50 H118", 4, "#55595f")
    for y in range(64, 148, 9):
        pen.line(f"M62 {y} H{138 - y * 7 % 20}", 2, "#9b9a94")
    pen.oval(100, 162, 4, 4, pen.light, "")


def _watch(pen: Pen) -> None:
    pen.path("M80 22 H120 L124 66 H76Z M76 134 H124 L120 178 H80Z")
    pen.oval(100, 100, 43, 43, pen.trim)
    pen.oval(100, 100, 36, 36, "#fbfbf8" if pen.odd else "#1d2733", "")
    hands = "#1d2733" if pen.odd else "#f1f2f3"
    pen.line("M100 68 V72 M132 100 H128 M100 132 V128 M68 100 H72", 3, hands)
    pen.line("M100 100 L86 84 M100 100 L118 80", 3.4, hands)
    pen.rect(142, 95, 7, 10, 2, pen.trim)


def _smart_watch(pen: Pen) -> None:
    pen.path("M80 22 H120 L124 66 H76Z M76 134 H124 L120 178 H80Z")
    pen.rect(64, 60, 72, 80, 36 if pen.second else 20, pen.trim)
    pen.rect(70, 66, 60, 68, 30 if pen.second else 15, "#12161c", "flat")
    pen.line("M82 104 A18 18 0 1 1 100 118", 6, "#92b93a")
    pen.line("M90 100 A10 10 0 1 1 100 110", 5, "#e8735a")


def _clock(pen: Pen) -> None:
    pen.oval(100, 98, 72, 72)
    pen.oval(100, 98, 61, 61, "#fbfbf8", "")
    for i in range(4):
        pen.rect(98, 43, 4, 11, 1, "#2d3138", "", f"{90 * i} 100 98")
    pen.line("M100 98 L100 58 M100 98 L128 112", 5, "#2d3138")
    pen.line("M100 98 L70 118", 2, "#b8302f")


def _bottle(pen: Pen) -> None:
    pen.rect(84, 20, 32, 26, 6, pen.trim)
    if pen.odd:
        pen.line("M88 22 C88 6 112 6 112 22", 5, pen.trim)
    pen.path("M84 46 H116 Q136 56 136 78 V160 Q136 174 122 174 H78 Q64 174 64 160 V78 Q64 56 84 46Z")
    if pen.second:
        pen.rect(64, 98, 72, 40, 0, pen.light, "")
        pen.line("M74 118 Q87 106 100 118 T126 118", 3, pen.dark)
    else:
        pen.line("M64 150 H136", 3, pen.dark)


def _tee(pen: Pen) -> None:
    pen.path("M74 36 Q100 54 126 36 L174 60 L160 96 L140 88 V172 H60 V88 L40 96 L26 60Z", pen.colour, "flat")
    pen.line("M74 37 Q100 56 126 37", 4, pen.dark)
    pen.line("M60 88 L64 64 M140 88 L136 64", 2, pen.dark)
    if pen.second:
        pen.rect(60, 102, 80, 10, 0, pen.light, "")
        pen.rect(60, 120, 80, 10, 0, pen.light, "")
    elif pen.odd:
        pen.rect(112, 82, 18, 20, 2, pen.dark, "")


def _jacket(pen: Pen) -> None:
    pen.path("M72 36 L100 48 L128 36 L158 54 L172 150 L148 156 L142 100 V174 H58 V100 L52 156 L28 150 L42 54Z",
             "", "flat")  # fmt: skip
    pen.path("M72 36 L80 26 Q100 34 120 26 L128 36 L100 56Z", pen.dark, "flat")
    pen.line("M100 52 V174", 3, pen.trim)
    pen.line("M68 126 L86 132 M132 126 L114 132", 3, pen.dark)
    if pen.second:
        pen.line("M58 84 H142 M58 104 H142 M58 146 H142", 2.2, pen.dark)
    if pen.odd:
        pen.path("M42 54 L72 36 L100 52 L128 36 L158 54 L162 80 H38Z", pen.dark, "flat")


def _pan(pen: Pen) -> None:
    pen.line("M134 116 L186 84", 12, "#2d3138" if pen.odd else "#7a5236")
    pen.oval(84, 126, 66, 34, pen.dark, "flat")
    pen.oval(84, 118, 66, 34, pen.colour, "flat")
    pen.oval(84, 119, 55, 26, "#3d4148", "flat")
    if pen.second:
        pen.oval(84, 120, 27, 13, "#fbfbf8", "")
        pen.oval(88, 118, 10, 6, "#e9b233", "ball")


def _blender(pen: Pen) -> None:
    pen.path("M66 30 H134 L124 116 H76Z", "#d6e3ea")
    pen.path("M70 64 H130 L124 116 H76Z", "#c8577e" if pen.second else "#92b93a", "round")
    pen.rect(62, 20, 76, 12, 4, "#2d3138")
    pen.path("M74 116 H126 L142 172 H58Z")
    pen.oval(100, 146, 11, 11, pen.trim)
    pen.line("M133 44 C160 44 156 98 128 98", 6, pen.trim) if pen.odd else None


def _toaster(pen: Pen) -> None:
    pen.rect(62, 46, 30, 42, 8, "#d9a35f", "flat")
    pen.rect(106, 50, 30, 42, 8, "#d9a35f", "flat")
    pen.path("M38 92 Q38 72 60 72 H140 Q162 72 162 92 V160 Q162 168 154 168 H46 Q38 168 38 160Z")
    pen.rect(52, 76, 96, 9, 4, "#2d3138", "")
    pen.rect(154, 104, 16, 10, 4, "#2d3138")
    pen.oval(138, 146, 9, 9, pen.trim)
    pen.rect(46, 166, 20, 8, 2, "#2d3138", "")
    pen.rect(134, 166, 20, 8, 2, "#2d3138", "")
    if pen.odd:
        pen.line("M52 112 H124 M52 120 H124", 2, pen.dark)


def _tent(pen: Pen) -> None:
    pen.path("M100 52 L190 170 H10Z" if pen.odd else "M10 170 Q30 50 100 50 Q170 50 190 170Z", pen.colour, "flat")
    pen.path("M100 52 L130 170 H70Z", pen.dark, "flat")
    pen.path("M100 52 L112 170 H84Z", "#2a2622", "")
    pen.line("M100 52 L70 170", 3, pen.light)
    pen.line("M100 52 Q150 80 190 170", 2, pen.light) if pen.second else None


def _mat(pen: Pen) -> None:
    pen.path("M52 116 L146 92 L190 146 L86 174Z", pen.light, "flat")
    pen.path("M30 128 A26 26 0 0 1 62 104 L154 80 A26 26 0 0 1 172 118 L78 146Z", pen.colour, "flat")
    pen.oval(54, 130, 25, 26, pen.colour)
    pen.line("M54 130 m-4 0 a4 4 0 1 1 4 4 a10 10 0 1 1 10 -10 a16 16 0 1 1 -16 -14", 2.6, pen.dark)
    if pen.odd:
        pen.line("M86 96 L96 142 M128 84 L140 128", 7, pen.dark)


def _speaker(pen: Pen) -> None:
    if pen.second:
        pen.rect(22, 76, 156, 86, 42)
        pen.oval(66, 119, 27, 27, "#2d3138")
        pen.oval(134, 119, 27, 27, "#2d3138")
        pen.oval(66, 119, 10, 10, pen.trim)
        pen.oval(134, 119, 10, 10, pen.trim)
    else:
        pen.rect(58, 26, 84, 148, 22)
        pen.oval(100, 124, 30, 30, "#2d3138")
        pen.oval(100, 124, 12, 12, pen.trim)
        pen.oval(100, 68, 17, 17, "#2d3138")
    pen.line("M84 92 H116", 2, pen.light) if pen.odd else None


def _camera(pen: Pen) -> None:
    pen.path("M66 66 L76 46 H124 L134 66Z", pen.dark, "flat")
    pen.rect(26, 64, 148, 100, 12, shade="flat")
    pen.rect(26, 92, 148, 44, 0, "#2d3138", "flat")
    pen.oval(100, 114, 41, 41, pen.trim)
    pen.oval(100, 114, 32, 32, "#15191f")
    pen.oval(100, 114, 19, 19, "#31465c")
    pen.oval(92, 106, 6, 6, "#a9c3da", "")
    pen.rect(140, 72, 22, 11, 3, "#f2e6b8", "")
    pen.oval(46, 64, 9, 5, "#b8302f" if pen.odd else pen.trim)


def _security_camera(pen: Pen) -> None:
    pen.oval(100, 168, 38, 8, pen.trim, "flat")
    pen.rect(92, 130, 16, 36, 4, pen.trim)
    pen.oval(100, 88, 52, 52)
    pen.oval(100, 88, 30, 30, "#1b2027")
    pen.oval(100, 88, 14, 14, "#33475c")
    pen.oval(100, 128, 3, 3, "#e8735a", "")


def _umbrella(pen: Pen) -> None:
    pen.line("M100 40 V160 C100 178 76 178 76 162", 6, "#7a5236" if pen.odd else "#3a3f46")
    pen.path("M18 104 Q28 34 100 34 Q172 34 182 104 Q160 88 140 104 Q120 88 100 104 Q80 88 60 104 Q40 88 18 104Z",
             "", "flat")  # fmt: skip
    pen.path("M60 104 Q66 50 100 34 Q134 50 140 104 Q120 88 100 104 Q80 88 60 104Z",
             pen.light if pen.second else pen.dark, "flat")  # fmt: skip
    pen.line("M100 26 V36", 4, "#3a3f46")


def _sunglasses(pen: Pen) -> None:
    pen.line("M24 92 L14 64 M176 92 L186 64", 6, pen.colour)
    lens = "#8c5a2b" if pen.odd else "#2c3138"
    for x in (62, 138):
        if pen.second:
            pen.oval(x, 110, 36, 34, pen.colour, "")
            pen.oval(x, 110, 30, 28, lens)
        else:
            pen.rect(x - 37, 84, 74, 54, 20, pen.colour, "")
            pen.rect(x - 31, 90, 62, 42, 15, lens, "ball")
    pen.line("M94 100 Q100 92 106 100", 6, pen.colour)


def _suitcase(pen: Pen) -> None:
    pen.line("M82 48 V22 H118 V48", 6, "#4a4f57")
    pen.rect(46, 46, 108, 118, 14)
    for x in (66, 88, 112, 134):
        pen.line(f"M{x} 56 V154", 2.4, pen.dark)
    pen.rect(84, 42, 32, 9, 3, "#2d3138")
    for x in (62, 138):
        pen.oval(x, 170, 8, 7, "#23262b")
    if pen.second:
        pen.rect(46, 96, 108, 12, 0, pen.trim, "flat")
    if pen.odd:
        pen.rect(120, 120, 24, 30, 3, "#f1ead9", "flat")


def _notebook(pen: Pen) -> None:
    pen.rect(56, 30, 100, 142, 4, "#e9e6dd", "flat", "5 100 100")
    pen.rect(50, 28, 100, 142, 5, "", "flat", "5 100 100")
    pen.rect(50, 28, 16, 142, 4, pen.dark, "flat", "5 100 100")
    pen.rect(136, 28, 5, 142, 0, pen.trim, "", "5 100 100") if pen.odd else None
    pen.rect(82, 58, 46, 28, 2, "#f6f2e6", "", "5 100 100") if pen.second else None


def _toothbrush(pen: Pen) -> None:
    pen.rect(84, 66, 32, 108, 14, turn="10 100 120")
    pen.rect(100, 24, 9, 48, 4, "#f1f2f3", "round", "10 100 120")
    pen.rect(107, 20, 17, 26, 4, pen.light if pen.second else "#7fb2dc", "flat", "10 100 120")
    pen.oval(101, 104, 8, 8, pen.trim)
    if pen.odd:
        for y in (126, 134, 142):
            pen.oval(98, y, 2.4, 2.4, "#9fe0a8", "")


def _toothpaste(pen: Pen) -> None:
    pen.path("M26 84 L150 92 V132 L26 142Z", "#f4f5f6", "flat")
    pen.path(
        "M40 85 L150 92 V112 Q90 92 40 128Z" if pen.second else "M26 102 L150 106 V120 L26 124Z", pen.colour, "flat"
    )
    pen.rect(18, 82, 10, 62, 2, pen.light)
    pen.rect(150, 98, 26, 28, 4, pen.dark if pen.odd else "#f4f5f6")


def _helmet(pen: Pen) -> None:
    pen.line("M52 132 C64 168 100 172 112 146", 5, "#3a3f46")
    pen.path("M22 132 Q26 44 106 44 Q176 46 182 124 Q150 140 104 136 Q60 142 22 132Z", "", "ball")
    for d in (
        "M60 74 Q84 56 100 58 L90 76Q74 80 60 92Z",
        "M112 58 Q140 60 154 78 L136 84 Q122 76 110 76Z",
        "M48 110 Q70 92 92 92 L88 108 Q66 112 50 122Z",
        "M108 92 Q140 90 162 106 L146 116 Q126 106 106 108Z",
    ):
        pen.path(d, "#23262b", "")  # fmt: skip
    if pen.second:
        pen.path("M150 132 Q176 130 188 142 L160 142Z", pen.dark, "")


def _bicycle(pen: Pen) -> None:
    for x in (50, 150):
        pen.shapes.append(f'<circle cx="{x}" cy="132" r="36" fill="none" stroke="#2d3138" stroke-width="6"/>')
        pen.line(f"M{x} 98 V166 M{x - 34} 132 H{x + 34}", 1, "#a4abb2")
    pen.line("M50 132 L78 82 H132 L96 132 H50 M78 82 L96 132 M150 132 L128 66", 6)
    pen.line("M128 66 H148 Q156 72 148 78" if pen.odd else "M114 64 H142", 5, "#2d3138")
    pen.line("M74 72 L78 82 M60 70 H88", 6, "#2d3138")
    pen.oval(96, 132, 9, 9, pen.trim)


def _skateboard(pen: Pen) -> None:
    for x in (58, 142):
        pen.rect(x - 8, 122, 16, 10, 2, "#a4abb2")
        pen.oval(x - 9, 138, 11, 11, "#f1ead9" if pen.odd else "#e3bd3a")
        pen.oval(x + 9, 138, 11, 11, "#f1ead9" if pen.odd else "#e3bd3a")
    pen.path(
        "M12 92 Q24 112 44 112 H156 Q176 112 188 92 L190 98 Q178 124 156 124 H44 Q22 124 10 98Z", pen.colour, "flat"
    )
    pen.line("M48 115 H152", 3, pen.light if pen.second else pen.dark)


def _dumbbells(pen: Pen) -> None:
    for y in (96, 150):
        pen.rect(60, y - 6, 80, 12, 4, "#b9bec4", "flat")
        for x in (30, 142):
            pen.rect(x, y - 22, 14, 44, 5, pen.colour, "flat")
            pen.rect(x + 14, y - 18, 12, 36, 4, pen.dark, "flat")


def _purifier(pen: Pen) -> None:
    pen.rect(54, 30, 92, 142, 26 if pen.second else 10)
    for y in range(104, 164, 9):
        pen.line(f"M68 {y} H132", 3, pen.dark)
    pen.oval(100, 62, 17, 17, "#1d2733")
    pen.oval(100, 62, 11, 11, "#31a9c4" if pen.odd else "#8ce39a", "")


def _shelf(pen: Pen) -> None:
    pen.rect(44, 22, 112, 152, 2, pen.dark, "flat")
    for i in range(4):
        y = 28 + 36 * i
        pen.rect(50, y, 100, 32, 0, "#efe6d6", "flat")
        for j in range(3 + (i + pen.odd) % 3):
            tint = QUIET[(i * 3 + j) % len(QUIET)]
            pen.rect(54 + 10 * j, y + 6 + (i + j) % 3 * 3, 8, 26 - (i + j) % 3 * 3, 1, tint, "round")
        if i == 1 or (i == 2 and pen.second):
            pen.oval(132, y + 23, 10, 9, "#3f8a4f")
    for y in (24, 60, 96, 132, 168):
        pen.rect(44, y - 3, 112, 6, 0, pen.colour, "flat")


def _hose(pen: Pen) -> None:
    for r in (62, 50, 38):
        ring = f'<ellipse cx="94" rx="{r}" ry="{r * 0.86:.0f}" fill="none"'
        pen.shapes.append(
            f'{ring} cy="112" stroke="{pen.colour}" stroke-width="10"/>'
            f'{ring} cy="110" stroke="{pen.light}" stroke-width="2"/>'
        )
    pen.line("M150 90 C176 70 160 50 172 36", 10)
    pen.rect(164, 16, 18, 26, 5, "#e3bd3a" if pen.odd else "#2d3138", turn="16 172 30")


def _grill(pen: Pen) -> None:
    pen.line("M68 126 L48 174 M132 126 L152 174 M58 152 H142", 5, "#4a4f57")
    pen.path("M34 92 H166 Q164 136 100 136 Q36 136 34 92Z", "#2d3138", "flat")
    pen.path("M34 88 Q38 36 100 36 Q162 36 166 88Z", "", "flat")
    pen.rect(82, 26, 36, 8, 4, "#7a5236")
    pen.oval(132, 62, 8, 8, pen.trim) if pen.second else None
    pen.oval(150, 172, 10, 10, "#23262b") if pen.odd else None


def _puzzle(pen: Pen) -> None:
    piece = "M{x} {y} h16 a8 8 0 1 1 18 0 h16 v16 a8 8 0 1 0 0 18 v16 h-50z"
    pen.path(piece.format(x=30, y=44), pen.colour, "flat")
    pen.path(piece.format(x=104, y=60), pen.light, "flat")
    pen.path(piece.format(x=46, y=118), pen.dark, "flat")
    pen.path(piece.format(x=118, y=120), "#e3bd3a" if pen.odd else "#e8735a", "flat")


def _makeup(pen: Pen) -> None:
    pen.rect(30, 96, 92, 70, 8, shade="flat")
    for i, tint in enumerate(("#e8a59a", "#c96f73", "#8f4a55", "#d9b48f", "#b98a62", "#6e4632")):
        pen.rect(38 + 27 * (i % 3), 104 + 29 * (i // 3), 22, 24, 3, tint, "flat")
    pen.rect(136, 90, 28, 82, 3, "#2d3138")
    pen.rect(139, 62, 22, 32, 2, "#c9a24b")
    pen.path("M142 62 V36 L158 26 V62Z", "#b8302f" if pen.odd else "#cf7f86")


def _perfume(pen: Pen) -> None:
    pen.rect(86, 28, 28, 28, 4, "#c9a24b" if pen.odd else "#2d3138")
    pen.rect(92, 56, 16, 12, 0, pen.trim)
    pen.path("M60 78 Q60 68 72 68 H128 Q140 68 140 78 V164 Q140 172 132 172 H68 Q60 172 60 164Z", pen.light, "round")
    pen.path("M64 100 H136 V162 Q136 168 130 168 H70 Q64 168 64 162Z", pen.colour, "round")
    pen.rect(78, 112, 44, 26, 2, "#fbfaf5", "") if pen.second else None


def _cushion(pen: Pen) -> None:
    pen.path("M36 60 Q100 44 164 60 Q180 110 164 160 Q100 176 36 160 Q20 110 36 60Z", "", "ball")
    pen.line("M40 64 Q100 50 160 64 Q174 110 160 156 Q100 170 40 156 Q26 110 40 64Z", 1.5, pen.dark)
    if pen.second:
        pen.line("M30 84 H170 M26 110 H174 M30 136 H170", 4, pen.light)
    if pen.odd:
        pen.oval(100, 110, 5, 5, pen.dark)


def _pet_bed(pen: Pen) -> None:
    pen.oval(100, 132, 84, 40, pen.colour, "flat")
    pen.oval(100, 122, 60, 25, pen.light, "flat")
    pen.path("M16 128 Q16 92 100 88 Q184 92 184 128 Q160 104 100 104 Q40 104 16 128Z", pen.dark, "flat")
    if pen.odd:
        for x, y in ((100, 124), (88, 116), (100, 112), (112, 116)):
            pen.oval(x, y, 6, 4, pen.dark, "")


def _thermostat(pen: Pen) -> None:
    pen.oval(100, 100, 70, 70, pen.trim)
    pen.oval(100, 100, 60, 60, "#14181d", "")
    pen.line("M62 130 A48 48 0 1 1 138 130", 6, "#e0792b" if pen.odd else "#31a9c4")
    pen.line(
        "M100 76 L100 112 M84 100 L100 116 L116 100" if pen.second else "M100 120 L100 84 M84 96 L100 80 L116 96",
        6,
        "#fff",
    )


def _rolls(pen: Pen) -> None:
    for x, y in ((62, 120), (138, 120), (100, 62)):
        pen.rect(x - 34, y - 16, 68, 62, 10, "#f4f4f1")
        pen.oval(x, y - 14, 34, 14, "#fbfbf9", "flat")
        pen.oval(x, y - 14, 11, 5, "#b79a78", "")
    pen.path("M28 150 H172 V160 H28Z", pen.colour, "flat")


def _washer(pen: Pen) -> None:
    pen.rect(40, 24, 120, 150, 6, "#f1f2f3" if pen.odd else pen.colour, "flat")
    pen.rect(40, 24, 120, 28, 6, pen.light, "flat")
    pen.rect(50, 32, 34, 12, 2, "#fff", "")
    pen.oval(138, 38, 8, 8, pen.trim)
    pen.oval(100, 112, 46, 46, pen.trim)
    pen.oval(100, 112, 36, 36, "#26323f")
    pen.path("M66 118 Q82 104 100 118 T134 118 Q130 148 100 148 Q70 148 66 118Z", "#6fa3cc", "")


def _stapler(pen: Pen) -> None:
    pen.path("M20 154 H178 Q184 166 174 170 H26 Q16 166 20 154Z", "#2d3138", "flat")
    pen.path("M24 128 L176 140 V150 H24Z", "#b9bec4", "flat")
    pen.path("M20 130 Q18 92 52 88 L168 116 Q184 122 182 138 L20 132Z", "", "flat")
    pen.line("M48 100 L150 122", 4, pen.light) if pen.odd else None


def _mug(pen: Pen) -> None:
    pen.line("M138 82 C182 78 178 146 136 142", 12)
    pen.path("M52 60 H142 L136 160 Q134 172 122 172 H72 Q60 172 58 160Z")
    pen.oval(97, 60, 45, 10, pen.light, "flat")
    pen.oval(97, 61, 38, 7, "#4b2f1d", "")
    if pen.second:
        pen.rect(54, 104, 86, 12, 0, pen.light, "")


def _towel(pen: Pen) -> None:
    for i, tint in enumerate((pen.dark, pen.colour, pen.light)):
        y = 134 - 36 * i
        pen.rect(28, y, 144, 38, 16, tint, "flat")
        pen.line(f"M44 {y + 13} H164 M44 {y + 25} H164", 1.4, "#ffffff66")


def _fan(pen: Pen) -> None:
    pen.rect(94, 110, 12, 56, 3, pen.trim)
    pen.oval(100, 170, 40, 8, pen.colour, "flat")
    pen.oval(100, 78, 56, 56, "#e7eaee", "ball")
    for i in range(3):
        pen.path("M100 78 Q78 50 98 30 Q122 40 100 78Z", pen.colour, "flat")
        pen.shapes[-2:] = [s.replace("/>", f' transform="rotate({120 * i} 100 78)"/>') for s in pen.shapes[-2:]]
    pen.shapes.append(
        f'<g fill="none" stroke="{pen.dark}" stroke-width="2"><circle cx="100" cy="78" r="56"/>'
        '<circle cx="100" cy="78" r="42"/><circle cx="100" cy="78" r="28"/></g>'
    )
    pen.oval(100, 78, 9, 9, pen.trim)


def _knife(pen: Pen) -> None:
    pen.path("M22 150 L132 46 Q146 66 124 88 L44 158Z", "#cfd4d9", "flat")
    pen.rect(116, 46, 66, 19, 8, turn="-43 126 60")
    for i in range(3):
        pen.oval(140 + 12 * i, 40 - 11 * i + 4, 2.6, 2.6, "#e8eaec", "")


# A word in a thing's name or a product's title, what to call it, how it is drawn. The first of these that is there
# counts: a laptop backpack is a backpack.
_THINGS: tuple[tuple[str, str, Callable[[Pen], None]], ...] = (
    ("kettle", "electric kettle", _kettle),
    ("earbud", "wireless earbuds", _earbuds),
    ("headphone", "headphones", _headphones),
    ("headset", "headphones", _headphones),
    ("backpack", "backpack", _backpack),
    ("bulb", "light bulb", _bulb),
    ("lamp", "desk lamp", _lamp),
    ("chair", "office chair", _chair),
    ("boot", "boots", _boot),
    ("shoe", "running shoes", _shoe),
    ("sneaker", "sneakers", _shoe),
    ("power bank", "power bank", _power_bank),
    ("charger", "portable charger", _power_bank),
    ("vacuum", "vacuum cleaner", _vacuum),
    ("coffee", "coffee machine", _coffee),
    ("espresso", "espresso machine", _coffee),
    ("notebook", "notebook", _notebook),
    ("laptop", "laptop", _laptop),
    ("monitor", "monitor", _monitor),
    ("keyboard", "keyboard", _keyboard),
    ("mouse pad", "mouse pad", _mouse_pad),
    ("mousepad", "mouse pad", _mouse_pad),
    ("mouse", "computer mouse", _mouse),
    ("mice", "computer mouse", _mouse),
    ("phone case", "phone case", _phone_case),
    ("phone cover", "phone case", _phone_case),
    ("iphone", "phone case", _phone_case),
    ("phone", "phone", _phone),
    ("smartphone", "smartphone", _phone),
    ("tablet", "tablet", _tablet),
    ("e-reader", "e-reader", _reader),
    ("smart watch", "smart watch", _smart_watch),
    ("smartwatch", "smart watch", _smart_watch),
    ("fitness", "fitness watch", _smart_watch),
    ("watch", "watch", _watch),
    ("wristwatch", "watch", _watch),
    ("clock", "wall clock", _clock),
    ("bottle", "bottle", _bottle),
    ("flask", "flask", _bottle),
    ("shirt", "t-shirt", _tee),
    ("jacket", "jacket", _jacket),
    ("hoodie", "hoodie", _jacket),
    ("coat", "coat", _jacket),
    ("pan", "frying pan", _pan),
    ("skillet", "frying pan", _pan),
    ("blender", "blender", _blender),
    ("mixer", "mixer", _blender),
    ("toaster", "toaster", _toaster),
    ("tent", "tent", _tent),
    ("yoga", "yoga mat", _mat),
    ("sleeping bag", "sleeping bag", _mat),
    ("speaker", "speaker", _speaker),
    ("security camera", "security camera", _security_camera),
    ("camera", "camera", _camera),
    ("umbrella", "umbrella", _umbrella),
    ("sunglasses", "sunglasses", _sunglasses),
    ("suitcase", "suitcase", _suitcase),
    ("luggage", "luggage", _suitcase),
    ("toothbrush", "toothbrush", _toothbrush),
    ("toothpaste", "toothpaste", _toothpaste),
    ("helmet", "helmet", _helmet),
    ("bicycle", "bicycle", _bicycle),
    ("bike", "bicycle", _bicycle),
    ("skateboard", "skateboard", _skateboard),
    ("dumbbell", "dumbbells", _dumbbells),
    ("purifier", "air purifier", _purifier),
    ("shelf", "bookshelf", _shelf),
    ("shelves", "bookshelf", _shelf),
    ("hose", "garden hose", _hose),
    ("grill", "grill", _grill),
    ("puzzle", "jigsaw puzzle", _puzzle),
    ("makeup", "makeup kit", _makeup),
    ("perfume", "perfume", _perfume),
    ("pillow", "pillow", _cushion),
    ("cushion", "cushion", _cushion),
    ("pet bed", "pet bed", _pet_bed),
    ("thermostat", "thermostat", _thermostat),
    ("toilet paper", "toilet paper", _rolls),
    ("paper towel", "paper towels", _rolls),
    ("washing", "washing machine", _washer),
    ("stapler", "stapler", _stapler),
    ("mug", "mug", _mug),
    ("towel", "towels", _towel),
    ("fan", "fan", _fan),
    ("knife", "knife", _knife),
    ("knives", "knives", _knife),
)
_NAMED = re.compile(rf"\b({'|'.join(key for key, _, _ in _THINGS)})(?:s|es)?\b")
