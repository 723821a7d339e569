"""An episode as a page, as Markdown, as a file: it reads as the replay does; nothing that data says runs or loads."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.annotation import Annotation
from sandbox.errors import InputError
from sandbox.report.episode_file import write_episode
from sandbox.report.episode_html import episode_page
from sandbox.report.episode_markdown import episode_markdown, fenced, inline
from sandbox.scorer import Mark, Score
from sandbox.trace import Episode
from sandbox.tui.actions import ACTIONS
from tests.report.test_html import Reader
from tests.tui.conftest import MARKS, SCORES, bargain_episode, failed_episode, robot_episode
from tests.tui.hostile import payloads
from tests.tui.test_hostile import hostile_episode
from tests.tui.test_picture import BROKEN, drawn, view, with_events

COUNT = 500
KEYED = {
    "previous_step", "next_step", "first_step", "last_step", "next_flag", "previous_flag", "next_risk", "previous_risk",
    "go_to", "search", "search_again",
}  # fmt: skip
"""Actions of the episode screen that the page has, too."""
EACH = 25  # texts in one document: enough to be fast, few enough to find the one that gets through
NOTE = Annotation(
    id=1, episode="e", attempt=1, step=8, kind="note", text="It says why.", author="ann",
    made=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip


def document(episode: Episode, *parts: Any) -> tuple[Reader, str]:
    text = "".join(episode_page(episode, *parts))
    reader = Reader(text)
    assert not reader.open  # every element is closed, in order
    return reader, text


def saying(texts: Sequence[str]) -> tuple[Episode, list[Score], list[Mark], list[Annotation]]:
    """An episode with a step for each text, which is all that the step says; the rest says the first of them."""
    whole = hostile_episode(texts[0])
    one = [hostile_episode(text).steps[0] for text in texts]
    steps = tuple(step.model_copy(update={"index": index, "tick": index}) for index, step in enumerate(one))
    marks = [Mark(step=index, name=text, note=text) for index, text in enumerate(texts)]
    people = [NOTE.model_copy(update={"step": None, "text": texts[0], "author": texts[0]})]
    scores = [Score(name=texts[0], value=None, reason=texts[0])]
    return whole.model_copy(update={"steps": steps}), scores, marks, people


def chunks() -> Iterator[list[str]]:
    texts = payloads(COUNT)
    return (texts[start : start + EACH] for start in range(0, COUNT, EACH))


def check(reader: Reader, text: str) -> None:
    """Nothing runs but our script, by its hash; nothing is loaded, sent or gone to; every id is there once."""
    tags = [tag for tag, _ in reader.elements]
    assert tags.count("script") == 1
    assert not set(tags) & {"iframe", "object", "embed", "form", "base", "link", "svg", "math", "template", "frame"}
    for tag, attributes in reader.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc", "action")], tag
        assert (attributes.get("href") or "#").startswith("#"), tag
        assert (attributes.get("src") or "data:image/").startswith("data:image/"), tag
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    script = text[text.index("<script>") + 8 : text.index("</script>")]
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (a["content"] or "" for _, a in reader.elements if a.get("http-equiv"))
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_holds_every_step_with_its_panes_in_order() -> None:
    reader, text = document(robot_episode(), SCORES, MARKS, [NOTE])
    check(reader, text)
    assert [a["id"] for tag, a in reader.elements if a.get("class") == "step"] == [f"step-{n}" for n in range(1, 15)]
    assert [a["href"] for tag, a in reader.elements if tag == "a"][1:] == [f"#step-{n}" for n in range(1, 15)]
    ninth = text[text.index('id="step-9"') : text.index('id="step-10"')]
    panes = re.findall("<h3>(.*?)</h3>", ninth)
    assert panes == [
        "what the seat saw",
        "what it thought and said",
        "what it did",
        "what came of it",
        "what people say",
    ]
    assert "It says why." in ninth
    assert 'class="chosen">chose disable()' in ninth
    assert "data-risk" in ninth.partition(">")[0]


def test_the_page_leads_with_the_decisive_step_and_links_to_it() -> None:
    _, text = document(robot_episode(), SCORES, MARKS)
    assert re.search(r'Decisive: <a href="#step-9">step 9</a>: small chose disable\(\)', text)


@pytest.mark.parametrize("episode", [failed_episode(), bargain_episode()])
def test_episodes_without_steps_or_with_many_seats_have_pages_too(episode: Episode) -> None:
    check(*document(episode))


def test_pictures_are_inside_the_page_as_what_they_are_and_broken_ones_are_named() -> None:
    events = [view(drawn(), media="text/html"), *(view(data) for data in BROKEN.values())]
    reader, text = document(with_events({2: events}))
    check(reader, text)
    kinds = [(a["src"] or "")[:22] for tag, a in reader.elements if tag == "img"]
    assert kinds[0] == "data:image/png;base64,"
    assert "no picture" in reader.text


def test_the_page_has_the_keys_of_the_replay() -> None:
    script = "".join(episode_page(robot_episode())).partition("<script>")[2]
    named = {"left": "ArrowLeft", "right": "ArrowRight", "home": "Home", "end": "End", "slash": '"/"'}
    for action in ACTIONS:
        if action.where == "episode" and action.name.partition("(")[0] in KEYED:
            for key in action.keys:
                word = named.get(key, key if key.isalpha() else f'"{key}"')
                assert re.search(rf"(?<!\w){re.escape(word)}: ", script), (action.name, key)


def test_the_same_episode_gives_the_same_bytes() -> None:
    one, other = ("".join(episode_page(robot_episode(), SCORES, MARKS)) for _ in range(2))
    assert one == other


@pytest.mark.hostile
@pytest.mark.slow
def test_no_text_gets_out_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    for texts in chunks():
        reader, text = document(*saying(texts))
        check(reader, text)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", text)
    with capsys.disabled():
        print(f"\nHTML export: {COUNT} payloads, 0 got out")


@pytest.mark.hostile
def test_no_text_gets_out_of_the_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is not ours stands in a fence that is longer than any run of backticks in it, or is escaped."""
    for texts in chunks():
        fence = ""
        for line in "\n".join(episode_markdown(*saying(texts))).split("\n"):
            if fence:
                fence = "" if line == fence else fence
            elif re.fullmatch("`{3,}text", line):
                fence = line.removesuffix("text")
            else:
                assert not re.search(r"(?<!\\)[`<\[!|&]", line.replace("**", "")), line
        assert not fence
    with capsys.disabled():
        print(f"\nMarkdown export: {COUNT} payloads, 0 got out")


@pytest.mark.parametrize("text", ["a", "```", "`````\n```", "~~~", "    ````"])
def test_a_fence_is_longer_than_any_within_it(text: str) -> None:
    first, *inside, last = fenced(text.split("\n"))
    assert first == f"{last}text"
    assert "\n".join(inside) == text
    assert last not in text


def test_text_within_a_line_is_read_as_text() -> None:
    assert inline("# [a](http://x) <b> `c` *d* & e|f") == (
        r"\# \[a\]\(http\://x\) \<b\> \`c\` \*d\* \& e\|f"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ending", "begins"), [("html", "<!doctype html>"), ("md", "# power/Off"), ("txt", "Episode ")]
)
def test_the_ending_of_a_files_name_says_what_it_is(tmp_path: Path, ending: str, begins: str) -> None:
    path = tmp_path / f"episode.{ending}"
    path.write_text("what was there")
    write_episode(path, robot_episode(), SCORES, MARKS)
    assert path.read_text("utf-8").startswith(begins)
    assert list(tmp_path.iterdir()) == [path]


def broken() -> Iterator[str]:
    yield "half"
    raise RuntimeError("the disk is gone")


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "episode.html"
    path.write_text("what was there")
    forms: dict[str, Callable[..., Iterator[str]]] = {".html": lambda *parts: broken()}
    monkeypatch.setattr("sandbox.report.episode_file.FORMS", forms)
    with pytest.raises(RuntimeError):
        write_episode(path, robot_episode())
    assert path.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["episode.pdf", "episode", "file/episode.html"])
def test_a_file_that_cannot_be_is_an_error_that_says_why(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"must end in|cannot be written: (Not a directory|File exists)"):
        write_episode(tmp_path / name, robot_episode())
