"""`market/choice_model`: the reference's numbers, shoppers with known tastes, and what it refuses to tell."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from sandbox_env_market import Back, Buy, Leave, Open, Shop, ShopConfig
from sandbox_env_market.catalogue import RATING
from sandbox_env_market.choice_set import Alternative, ChoiceSet, ChoiceSetConfig, ChoiceSets, Decline, Pick
from sandbox_env_market.choices_csv import read_choices
from sandbox_env_market.moves import Add
from sandbox_env_market.shoppers import LogitConfig, LogitShopper
from sandbox_score_market.choice_model import VARIANTS, ChoiceModel, Settings

from sandbox.menu import Move, moves
from sandbox.play import Play
from sandbox.scenario import Appraisal, Luck, Scenario
from sandbox.scorer import Estimate, Findings, table_of
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, MenuEntry, Step

DATA = Path(__file__).parents[1] / "data"
Answer = Callable[[Sequence[MenuEntry]], Move]
SETS = ChoiceSets()
GRID = ("row1", "col1", "col2", "col3")


def visit(
    scenario: Scenario, config: object, item: object, answers: Iterable[Answer], agent: str = "shopper", framing="lived"
) -> Episode:
    """The trace of an episode in which the seat gives these answers, one per step."""
    (seat,) = scenario.seats(config)
    state = scenario.initial(config, item)
    steps: list[Step] = []
    for answer in answers:
        menu = tuple(
            MenuEntry(move=move.model_dump(), appraisal=scenario.appraise(state, seat, move))
            for move in moves(scenario.menu(state, seat))
        )
        move = answer(menu)
        number = len(steps)
        steps.append(
            Step(
                index=number,
                tick=number,
                seat=seat,
                menu=menu,
                decision=next(entry for entry in menu if entry.move == move.model_dump()),
                applied=move.model_dump(),
                outcome="abstention" if move.abstains else "valid",
                state=scenario.state_hash(state),
            )
        )
        state = scenario.apply(state, {seat: move})
    spec = EpisodeSpec(
        environment=scenario.id,
        config=config.model_dump(mode="json"),
        item={"id": item.id},
        seats={seat: AgentSpec(id=agent, name=agent)},
        evaluated=(seat,),
        framing=framing,
    )
    return Episode(id=spec.key, spec=spec, status="finished", steps=tuple(steps), facts=scenario.facts(state))


def findings(episodes: Iterable[Episode], **settings: object) -> Findings:
    return ChoiceModel(Settings(**settings)).estimate(table_of(episodes))


def by_name(found: Findings, variant: str = "hessian", group: str = "", agent: str = "") -> dict[str, Estimate]:
    own = [e for e in found.estimates if (e.variant, e.group) == (variant, group) and agent in ("", e.agent)]
    assert len({e.name for e in own}) == len(own)
    return {e.name: e for e in own}


def picks(
    sets: Iterable[ChoiceSet], choose: Callable[[ChoiceSet], int | None], agent: str = "subject"
) -> list[Episode]:
    def answer(item: ChoiceSet) -> Answer:
        place = choose(item)
        return lambda menu: Decline() if place is None else Pick(number=place + 1)

    return [visit(SETS, ChoiceSetConfig(), item, [answer(item)], agent) for item in sets]


def designed(sets: int, alternatives: int = 4, columns: Sequence[str] = ("price", "rating", "tag")) -> list[ChoiceSet]:
    """Sets of random numbers, the last of which is 0 or 1; products keep their names, places are drawn."""
    generator = np.random.default_rng(5)
    return [
        ChoiceSet(
            id=str(number),
            dataset="designed",
            columns=tuple(columns),
            alternatives=tuple(
                Alternative(
                    product=f"p{product}",
                    position=place,
                    values=(*generator.normal(size=len(columns) - 1), float(generator.random() < 0.4)),
                )
                for place, product in enumerate(generator.permutation(alternatives))
            ),
        )
        for number in range(sets)
    ]


def taste(*beta: float, seed: int = 1) -> Callable[[ChoiceSet], int]:
    """Chooses by random utility with these coefficients."""
    generator = np.random.default_rng(seed)
    return lambda item: int(np.argmax([np.dot(beta, one.values) + generator.gumbel() for one in item.alternatives]))


@pytest.fixture(scope="module")
def reference() -> Findings:
    recorded = read_choices(DATA / "choices_n1000.csv")
    chosen = {one.item.id: one.chosen for one in recorded}
    return findings(picks((one.item for one in recorded), lambda item: (chosen[item.id] or 0) - 1))


def test_the_estimates_equal_the_reference(reference: Findings) -> None:
    """1,000 sets of eight, fitted by other code: coefficients, errors, likelihoods and marginal effects."""
    expected = json.loads((DATA / "choices_n1000.json").read_text("utf-8"))
    found = by_name(reference)
    for name, coefficient, error in zip(expected["names"], expected["mle"], expected["se_hessian"], strict=True):
        assert found[name].estimate == pytest.approx(coefficient, abs=1e-6)
        assert found[f"se/{name}"].estimate == pytest.approx(error, rel=1e-5)
        half = 1.959963984540054 * error
        assert (found[name].low, found[name].high) == pytest.approx((coefficient - half, coefficient + half), abs=1e-5)
    assert found["log_likelihood"].estimate == pytest.approx(-1179.498651, abs=1e-6)
    assert found["log_likelihood_null"].estimate == pytest.approx(-2079.441542, abs=1e-6)
    for prefix, effects in (("ame", expected["ame_marginal"]), ("ame_discrete", expected["ame_discrete"])):
        for name, effect in effects.items():
            assert found[f"{prefix}/{name}"].estimate == pytest.approx(effect, abs=1e-7)
    assert {(e.n, e.n_distinct, e.clusters) for e in found.values()} == {(1000, 1000, 1000)}
    assert reference.warnings == ()


def test_both_variants_have_all_names_and_differ_in_errors_alone(reference: Findings) -> None:
    hessian, cluster = (by_name(reference, variant) for variant in VARIANTS)
    assert list(hessian) == list(cluster)
    for name, one in hessian.items():
        if not name.startswith(("se/", "iia")):
            assert cluster[name].estimate == one.estimate
    assert cluster["se/rating"].estimate != hessian["se/rating"].estimate
    assert len({e.method for e in (hessian["rating"], cluster["rating"])}) == 2


def test_what_it_says_of_one_regressor_hangs_together(reference: Findings) -> None:
    """The headroom of ACES: by how much the price may rise for an overall pick; and what 10 % become."""
    found = by_name(reference)
    beta, price = found["overall_pick"], found["log_price"].estimate
    assert found["wtp/overall_pick"].estimate == pytest.approx(math.exp(-beta.estimate / price) - 1)
    odds = math.exp(beta.estimate) / 9
    assert found["probability/overall_pick"].estimate == pytest.approx(odds / (1 + odds))
    assert found["probability/overall_pick"].low < 0.2948 < found["probability/overall_pick"].high
    assert "wtp/log_price" not in found
    assert "probability/rating" not in found
    assert found["lr/model"].estimate == pytest.approx(2 * (2079.441542 - 1179.498651), abs=1e-5)
    assert found["lr_p/sponsored"].estimate == pytest.approx(0.92, abs=0.01)
    assert "4 df" in found["lr/position"].method
    assert found["iia_p"].estimate > 0.05
    assert "without product" in found["iia"].method


@pytest.mark.slow
def test_a_shoppers_tastes_and_the_place_that_it_favours_are_found() -> None:
    """All choices are bought on the products' own pages, and belong to the results page before."""
    shop = Shop()
    config = ShopConfig(items=120)

    def answers(item: object, order: int) -> list[Answer]:
        generator = Luck(order).generator("taste", item.id)

        def look(menu: Sequence[MenuEntry]) -> Move:
            shown = [entry for entry in menu if entry.move["kind"] == "buy"]
            worth = [
                2 * (e.appraisal.features["position"] < 4) - 3 * e.appraisal.features["ln_price"] + generator.gumbel()
                for e in shown
            ]
            return Open(product=shown[int(np.argmax(worth))].move["product"])

        return [look, lambda menu: Buy(product=menu[0].move["product"])]

    episodes = [
        visit(shop, config.model_copy(update={"positions": order}), item, answers(item, order))
        for item in shop.items(config)
        for order in (0, 1, 4)
    ]
    found = findings(episodes)
    for estimates in (by_name(found, variant) for variant in VARIANTS):
        assert set(GRID) | {"ln_price", "ln_reviews", "rating", "sponsored", "endorsed", "scarcity"} < set(estimates)
        truth = {"row1": 2, "col1": 0, "col2": 0, "col3": 0, "ln_price": -3, "rating": 0}
        for name, value in truth.items():
            assert abs(estimates[name].estimate - value) < 3.5 * estimates[f"se/{name}"].estimate
        assert estimates["row1"].n == 360
        assert estimates["lr_p/position"].estimate < 1e-6
    assert by_name(found, "cluster")["row1"].clusters == 120


def test_visits_without_a_purchase_and_questions_are_told_apart() -> None:
    """Leaving is counted; a hypothetical choice has a group of its own; what cannot be compared is no choice."""
    shop, config = Shop(), ShopConfig(items=40, positions="given")
    items = shop.items(config)

    def cheap(menu: Sequence[MenuEntry]) -> Move:
        shown = [entry for entry in menu if entry.move["kind"] == "buy"]
        return Buy(product=min(shown, key=lambda e: e.appraisal.features["price"]).move["product"])

    def turn(menu: Sequence[MenuEntry]) -> Move:
        return Open(product=menu[1].move["product"])

    bought = [visit(shop, config, item, [cheap]) for item in items[:20]]
    left = [visit(shop, config, item, [turn, lambda menu: Back(), lambda menu: Leave()]) for item in items[20:30]]
    asked = [visit(shop, config, item, [cheap], framing="hypothetical") for item in items[30:]]
    found = findings([*bought, *left, *asked])
    assert by_name(found)["log_likelihood_null"].estimate == pytest.approx(-20 * math.log(8))
    assert by_name(found, group="hypothetical")["log_likelihood_null"].n == 10
    assert "shopper: 10 of 30 visits have no choice of a product: left out of the fit" in found.warnings


def test_what_always_wins_is_named_and_the_others_are_estimated() -> None:
    sets = designed(200)
    choose = taste(-1, 0.5, 0)

    def tagged(item: ChoiceSet) -> int:
        first = next((i for i, one in enumerate(item.alternatives) if one.values[2]), None)
        return choose(item) if first is None else first

    found = findings(picks(sets, tagged))
    names = by_name(found)
    assert names["tag"].estimate is None
    assert names["tag"].reason == (
        "separated: choices follow it without exception, so its coefficient diverges to plus infinity"
    )
    assert {name for name, one in names.items() if one.estimate is None and name.endswith("/tag")} == {
        f"{prefix}/tag" for prefix in ("se", "ame", "ame_discrete", "probability", "wtp")
    }
    assert names["lr_p/tag"].estimate < 1e-6
    assert names["price"].low < -1 + 0.5 < names["price"].high + 1
    assert any("separation: tag predict some choices perfectly" in warning for warning in found.warnings)
    assert "separated" in names["iia"].reason


def test_regressors_that_tell_nothing_are_named() -> None:
    """One that never varies in a set; one that another replaces; one that some alternatives lack."""
    sets = [
        item.model_copy(
            update={
                "columns": (*item.columns, "same", "twice"),
                "alternatives": tuple(
                    one.model_copy(update={"values": (*one.values, number, 2 * one.values[1])})
                    for one in item.alternatives
                ),
            }
        )
        for number, item in enumerate(designed(60))
    ]
    found = findings(picks(sets, taste(-1, 0.5, 0, 0, 0)))
    names = by_name(found)
    assert names["same"].reason == "no estimate: constant within every choice set"
    assert names["rating"].reason == "no estimate: depends exactly on twice"
    assert names["ame/rating"].estimate is None
    assert names["wtp/tag"].estimate is not None
    mixed = picks(designed(30), taste(-1, 0, 0)) + picks(
        designed(30, columns=("price", "tag")), taste(-1, 0), "subject"
    )
    lacking = findings(mixed)
    assert by_name(lacking)["rating"].reason == "120 of 240 alternatives have no rating"
    (warning,) = lacking.warnings
    assert warning.startswith("subject: ")
    assert "no estimate of rating: 120 of 240 alternatives have no rating" in warning


def test_a_price_that_moves_nothing_measures_nothing() -> None:
    """Where its coefficient may be 0, or is positive, there is no willingness to pay."""
    sets = designed(150)
    indifferent, fond = (by_name(findings(picks(sets, taste(price, 1, 0)))) for price in (0.0, 2.0))
    assert indifferent["wtp/rating"].estimate is None
    assert fond["wtp/rating"].reason == "no price: price does not make a choice less likely"
    keen = by_name(findings(picks(sets, taste(-1, 1, 0))))["wtp/rating"]
    assert keen.low < 1 < keen.high


def test_agents_are_compared_by_effects_and_not_by_coefficients() -> None:
    """Twice the scale is no other taste: what they would pay is the same, and so says the interval."""
    sets = designed(250)
    calm, noisy = picks(sets, taste(-2, 2, 1), "calm"), picks(sets, taste(-1, 1, 0.5, seed=3), "noisy")
    found = findings(calm + noisy)
    for variant in VARIANTS:
        compared = by_name(found, variant, "minus noisy")
        assert {name.partition("/")[0] for name in compared} == {"ame", "wtp"}
        assert compared["wtp/rating"].low < 0 < compared["wtp/rating"].high
        assert compared["ame/rating"].low > 0
        calm_one, noisy_one = (by_name(found, variant, agent=agent)["wtp/rating"] for agent in ("calm", "noisy"))
        assert compared["wtp/rating"].estimate == pytest.approx(calm_one.estimate - noisy_one.estimate)
        assert compared["wtp/rating"].n == 500
    twin = findings(calm + picks(sets, taste(-2, 2, 1), "twin"))
    same = by_name(twin, "cluster", "minus twin")["ame/rating"]
    assert same.low == pytest.approx(0, abs=1e-12), "the same choices on the same items differ without doubt in nothing"
    assert by_name(twin, "hessian", "minus twin")["ame/rating"].low < -0.001


def test_repeated_items_widen_the_errors_of_the_clusters_alone() -> None:
    """Each choice nine times over tells no more than once."""
    sets = designed(60)
    choose = taste(-1, 0.5, 0.5)
    chosen = {item.id: choose(item) for item in sets}
    once = picks(sets, lambda item: chosen[item.id])
    again = [episode.model_copy(update={"id": f"{episode.id}{number}"}) for episode in once for number in range(9)]
    one, many = ({v: by_name(findings(e), v)["se/price"].estimate for v in VARIANTS} for e in (once, again))
    assert many["cluster"] == pytest.approx(one["cluster"], rel=1e-9)
    assert many["hessian"] == pytest.approx(one["hessian"] / 3, rel=1e-9)
    assert any("errors of the variant cluster are too small" in w for w in findings(once[:20]).warnings)


def test_product_effects_are_deviations_from_their_mean() -> None:
    sets = designed(200)
    bonus = {"p0": 1.0, "p1": -1.0, "p2": 0.0, "p3": 0.0}
    generator = np.random.default_rng(8)

    def choose(item: ChoiceSet) -> int:
        return int(np.argmax([bonus[a.product] - a.values[0] + generator.gumbel() for a in item.alternatives]))

    found = findings(picks(sets, choose), product_effects=True)
    names = by_name(found)
    for product, value in bonus.items():
        one = names[f"product/{product}"]
        assert one.low < value < one.high
        assert one.reason.startswith("a deviation from the mean of product/p0")
    assert sum(names[f"product/{p}"].estimate for p in bonus) == pytest.approx(0, abs=1e-9)
    assert "3 df" in names["lr/product"].method
    assert "lr/product/p0" not in names


def test_choices_that_are_all_the_same_have_no_interval() -> None:
    item = designed(1)[0]
    again = [picks([item], lambda item: 0)[0].model_copy(update={"id": str(i)}) for i in range(30)]
    known = [one for one in by_name(findings(again)).values() if one.low is not None]
    assert known == []


def test_traces_of_other_environments_say_nothing() -> None:
    other = MenuEntry(move={"kind": "choose", "choice": "A"}, appraisal=Appraisal(features={"position": 0}))
    spec = EpisodeSpec(environment="x/Y-v0", seats={"agent": AgentSpec(id="a", name="a")}, evaluated=("agent",))
    step = Step(index=0, tick=0, seat="agent", menu=(other, other), decision=other, applied=other.move)
    assert findings([Episode(id="1", spec=spec, status="finished", steps=(step,))]) == Findings()
    assert findings([]) == Findings()


def test_figures_show_effects_and_what_would_be_paid_with_intervals(reference: Findings) -> None:
    axes = pytest.importorskip("matplotlib.figure").Figure().subplots()
    table = table_of(picks(designed(2), lambda item: 0))
    shown = {figure.name: figure for figure in ChoiceModel().figures(table, reference)}
    assert list(shown) == ["effects", "wtp"]
    shown["effects"].draw(axes)
    assert [label.get_text() for label in axes.get_yticklabels()][:1] == ["row1"]
    paid = pytest.importorskip("matplotlib.figure").Figure().subplots()
    shown["wtp"].draw(paid)
    assert "rating" not in [label.get_text() for label in paid.get_yticklabels()]
    assert shown["effects"].episodes == (table.episodes[0].id,)
    assert ChoiceModel().figures(table, Findings()) == []


def drawn(number: int, choose: Callable[[Play, Sequence[MenuEntry]], str], **config: object) -> list[Episode]:
    """Visits to the markets of the suite `choice_behavior`, as nature draws them; each buys the id of `choose`."""
    shop, settings = Shop(), ShopConfig(suite="choice_behavior", views=0, items=number, **config)
    episodes = []
    for item in shop.items(settings):
        play = Play(shop, settings, item, 7)
        play.settle()
        menu = tuple(
            MenuEntry(move=move.model_dump(), appraisal=shop.appraise(play.state, "buyer", move))
            for move in moves(shop.menu(play.state, "buyer"))
        )
        buy = Buy(product=choose(play, [entry for entry in menu if entry.move["kind"] == "buy"]))
        chosen = next(entry for entry in menu if entry.move == buy.model_dump())
        step = Step(index=0, tick=0, seat="buyer", menu=menu, decision=chosen, applied=chosen.move)
        play.apply({"buyer": buy})
        spec = EpisodeSpec(
            environment=shop.id,
            item={"id": item.id},
            seats={"buyer": AgentSpec(id="shopper", name="shopper")},
            evaluated=("buyer",),
        )
        facts = shop.facts(play.state)
        episodes.append(Episode(id=item.id, spec=spec, status="finished", steps=(step,), facts=facts))
    return episodes


@pytest.mark.slow
def test_what_a_product_is_worth_besides_does_not_pass_for_an_effect_of_what_was_drawn() -> None:
    """Dearer products are better here: without effects of their own, their price would seem to matter less."""
    generator = np.random.default_rng(3)

    def choose(play: Play, buys: Sequence[MenuEntry]) -> str:
        known = {product.id: product for product in play.state.item.products}
        quality = {p.id: 3 * np.mean([n for k, n in p.scores.items() if k != RATING]) / 100 for p in known.values()}
        worth = [
            -1.6 * e.appraisal.features["ln_price"] + quality[e.move["product"]] + generator.gumbel() for e in buys
        ]
        return str(buys[int(np.argmax(worth))].move["product"])

    episodes = drawn(800, choose)
    by_default, without = findings(episodes), findings(episodes, product_effects=False)
    price = by_name(by_default)["ln_price"]
    assert price.low < -1.6 < price.high
    assert by_name(without)["ln_price"].low > -1.6
    assert "55 df" not in by_name(by_default)["lr/product"].method
    assert "56 df" in by_name(by_default)["lr/product"].method  # eight markets of eight, whatever their ids


def test_too_few_choices_for_effects_of_products_are_warned_of() -> None:
    generator = np.random.default_rng(1)
    found = findings(drawn(60, lambda play, buys: str(buys[generator.integers(8)].move["product"])))
    assert not any(name.startswith("product/") for name in by_name(found))
    assert any("60 choices are too few for effects of 64 products" in warning for warning in found.warnings)


@pytest.mark.slow
def test_the_logit_shoppers_rows_and_columns_are_those_of_the_model() -> None:
    shopper = LogitShopper(LogitConfig(preset="none", coefficients={"row1": 1.5, "col1": -1.0}))

    def choose(play: Play, buys: Sequence[MenuEntry]) -> str:
        turn = play.turn("buyer", 0, episode=play.state.item.id)
        return shopper.pick(turn, turn.observation.page, turn.observation.page.products)

    names = by_name(findings(drawn(400, choose), product_effects=False))
    for name, value in {"row1": 1.5, "col1": -1.0, "col2": 0, "col3": 0}.items():
        assert abs(names[name].estimate - value) < 3.5 * names[f"se/{name}"].estimate


def test_what_was_put_into_the_cart_and_not_bought_is_no_choice() -> None:
    shop, config = Shop(), ShopConfig(flow="cart", items=3, positions="given")

    def take(menu: Sequence[MenuEntry]) -> Move:
        return Add(**next(entry for entry in menu if entry.move["kind"] == "add").move)

    answers = [take, take, lambda menu: Leave()]
    found = findings(visit(shop, config, item, answers) for item in shop.items(config))
    assert found.estimates == ()
    assert found.warnings == ("shopper: 3 of 3 visits have no choice of a product: left out of the fit",)
    paid = [
        episode.model_copy(update={"facts": {**episode.facts, "bought": [episode.steps[0].applied["product"]]}})
        for episode in (visit(shop, config, item, answers) for item in shop.items(config))
    ]
    assert by_name(findings(paid))["log_likelihood_null"].n == 3


def test_one_choice_set_tells_nothing_and_says_so() -> None:
    names = by_name(findings(drawn(1, lambda play, buys: str(buys[2].move["product"]))))
    assert names["ln_price"].reason.startswith("no estimate")


def test_iia_has_no_number_where_its_level_does_not_hold() -> None:
    small = findings(picks(designed(40), taste(-1, 0.5, 0)))
    assert by_name(small)["iia_p"].reason.startswith("too few: 40 choices of the 300")
    assert by_name(small, "cluster")["iia_p"].estimate is not None
