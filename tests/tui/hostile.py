"""Texts that try to reach what is behind a terminal or a page, by the hundred, each with a number of its own."""

from __future__ import annotations

FAMILIES = (
    # What a terminal obeys: clipboard, links, titles, notifications, files, modes, queries that it answers as if typed.
    "\x1b]52;c;{0}\x07", "\x1b]52;p;{0}\x1b\\", "\x1b]8;;http://{0}.example/\x1b\\{0}\x1b]8;;\x1b\\",
    "\x1b]0;{0}\x07",
    "\x1b]2;{0}\x1b\\", "\x1b]9;{0}\x07", "\x1b]777;notify;{0};x\x07", "\x1b]1337;File=name={0}:AAAA\x07",
    "\x1b]11;?{0}\x07",
    "\x1bP+q{0}\x1b\\", "\x1bP$q{0}\x1b\\", "\x1b_G{0}\x1b\\", "\x1b^{0}\x1b\\", "\x1bX{0}\x1b\\", "\x1b[2J{0}",
    "\x1b[31;1m{0}",
    "\x1b[?1049l{0}", "\x1b[6n{0}", "\x1b[c{0}", "\x1b[>q{0}", "\x1b[5i{0}", "\x1b[21t{0}", "\x1bc{0}",
    "\x1b#8{0}", "\x1b(0{0}",
    # The same in single C1 characters, which UTF-8 terminals may obey, too.
    "\x9b31m{0}", "\x9d52;c;{0}\x9c", "\x90+q{0}\x9c", "\x9f{0}\x9c", "\x98{0}\x9c", "\x84\x85\x88\x8d{0}",
    "\x9b?1049l{0}",
    # Controls that overwrite, ring, clear or cut.
    "\x00{0}", "\x07{0}", "{0}\x08\x08\x08\x08evil", "{0}\rover", "\x0b\x0c{0}", "\x0e{0}\x0f", "\x7f{0}",
    "{0}\x1a\x04\x11\x13",
    "\x1b{0}", "{0}\x1b", "\x1b\x1b]52;c;{0}\x07", "\x1b[{0}", "\x1b]{0}", "\x18\x1b]0;{0}\x07",
    # What misleads a reader.
    "\u202e{0}gnp.exe\u202c", "\u2066{0}\u2069\u200f\u061c", "z\u200be\u200dr\u2060o{0}\ufeff",
    "\u2028{0}\u2029", "{0}\U000e0041\U000e007f",
    "\xad{0}\u180e", "\u206a{0}\u206f", "\ufff9{0}\ufffb", "a\ud800{0}\udfff",
    # What markup obeys: Textual's, Rich's, HTML's, SVG's, Markdown's.
    "[@click=app.quit]{0}[/]", "[@click='app.bell']{0}", "[/]{0}", "[/nothing]{0}", "[bold]{0}",
    "[link=http://{0}.example]{0}[/link]",
    "[$error]{0}", "\\[{0}", "[[{0}]]", "{0}{{}}%s{{0}}", "<script>{0}</script>", "<img src=x onerror={0}>",
    "<a href='javascript:{0}'>x</a>",
    "</style><svg onload={0}>", "<!--{0}-->", "]]>{0}<![CDATA[", "&#27;]52;c;{0}&#7;",
    "'\"><iframe src=//{0}.example>", "&{0};",
    "```\n# {0}\n```", "![{0}](http://{0}.example/x.png)", "| {0} | --- |\n|---|", "<?xml {0}?>",
    "<foreignObject>{0}</foreignObject>",
    # What is hard to measure.
    "{0}e\u0301\u0302\u0303\u0304", "語{0}語語語", "👨‍👩‍👧‍👦{0}🏳️‍🌈", "العربية {0}", "\t{0}\t", "{0}\n{0}\r\n{0}",
    "𒐫{0}﷽", "{0}" + "\u0301" * 80,
)  # fmt: skip


def payloads(count: int) -> list[str]:
    """So many texts, family by family, each with its `nonce`."""
    return [FAMILIES[number % len(FAMILIES)].replace("{0}", nonce(number)) for number in range(count)]


def nonce(number: int) -> str:
    """What is in the payload with this number and in no other: letters, which everything lets pass."""
    return f"Q{number:05d}Z".translate(str.maketrans("0123456789", "abcdefghij"))
