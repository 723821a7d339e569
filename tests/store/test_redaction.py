import pytest

from sandbox.errors import InputError
from sandbox.scorer import Card, Mark, Score
from sandbox.store import Store
from sandbox.store.redaction import Redaction
from sandbox.trace import AgentSpec, Event
from tests.store.conftest import make_episode, make_spec, make_step

SECRET = 'sk-"live"\\日本-0123456789'  # written differently by each JSON writer


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "GITHUB_TOKEN", "CLIENT_SECRET", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "token"]
)
def test_a_variable_called_like_a_credential_is_one(name):
    assert Redaction({name: "12345678"}).text("x12345678y") == f"x[redacted:{name}]y"


@pytest.mark.parametrize(
    ("name", "value"), [("MY_TOKENS", "12345678"), ("HOME", "/home/somebody"), ("A_TOKEN", "1234567")]
)
def test_other_variables_and_short_values_stay(name, value):
    assert not Redaction({name: value})


def test_the_longer_of_two_values_is_replaced_as_a_whole():
    redaction = Redaction({"A_TOKEN": "abcdefgh", "B_TOKEN": "abcdefgh-ijkl"})
    assert redaction.text("abcdefgh-ijkl abcdefgh") == "[redacted:B_TOKEN] [redacted:A_TOKEN]"


def test_keys_and_nested_strings_are_searched_and_numbers_are_left():
    redaction = Redaction({"A_TOKEN": "12345678"})
    assert redaction.value({"12345678": ["a 12345678", 12345678]}) == {
        "[redacted:A_TOKEN]": ["a [redacted:A_TOKEN]", 12345678]
    }


def test_no_credential_reaches_the_file(path, monkeypatch):
    """Whatever part of a step it turns up in, plain, compressed or inside a list of messages."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    spec = make_spec()
    with Store.open(str(path)) as store:
        store.add_experiment("first", {}, [spec])
        writer = store.writer()
        attempt = writer.begin(spec)
        event = Event(kind="model_call", data={"header": SECRET, "messages": [{"content": f"key {SECRET}\ud83d"}]})
        step = make_step(
            0,
            observation={SECRET: [SECRET]},
            text=SECRET,
            decision={"move": {"kind": "say", "message": SECRET}},
            applied={"kind": "say", "message": SECRET},
            said=f"I was given {SECRET}.",
            events=(event,),
        )
        writer.step(spec.key, attempt, step)
        writer.step(spec.key, attempt, make_step(1))
        reason = f"ValueError: bad key {SECRET}"
        writer.finish(make_episode(spec, attempt, steps=2, status="error", reason=reason, facts={"note": SECRET}))
        card = Card(scores=(Score(name="s", value=None, reason=SECRET),), marks=(Mark(step=0, name="m", note=SECRET),))
        store.save_card("test/scorer", 1, "", spec.key, card)
        read = store.episode(spec.key)
        assert SECRET not in repr((read, store.heads(), store.cards("test/scorer", 1, ""), store.marks(spec.key)))
        assert read.steps[0].said == "I was given [redacted:OPENAI_API_KEY]."
        assert read.steps[0].applied == {"kind": "say", "message": "[redacted:OPENAI_API_KEY]"}
        assert read.steps[0].events[0].data["messages"] == [{"content": "key [redacted:OPENAI_API_KEY]\ud83d"}]
        assert read.reason == "ValueError: bad key [redacted:OPENAI_API_KEY]"
        assert "redacted" in store.heads()[0].flags
        assert read.steps[1] == make_step(1)
        assert repr(SECRET)[1:-1] not in repr(read)
    assert b"0123456789" not in path.read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"note": ["x", "sk-secret-123"]}},
        {"item": {"id": "1", "text": "sk-secret-123"}},
        {"seats": {"agent": AgentSpec(id="llm/react", name="a", config={"api_key": "sk-secret-123"})}},
    ],
)
def test_a_specification_that_holds_a_credential_is_refused(store, monkeypatch, changes):
    """It could not be run again from the store if it were redacted."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-123")
    with pytest.raises(InputError, match=r"write \$\{OPENAI_API_KEY\} instead"):
        store.add_experiment("first", {}, [make_spec(**changes)])
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        store.add_experiment("first", {"key": "sk-secret-123"}, [])
    assert store.experiments() == []
