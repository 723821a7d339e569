"""Regret and what explains it: known answers on the shop's own items, and no good score for doing nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any, Literal

import pytest
from sandbox_env_market import Buy, Leave, Open, Shop, ShopConfig
from sandbox_env_market.goods import ShopItem
from sandbox_score_market.regret import MarketRegret

from sandbox.menu import Move
from sandbox.scenario import Luck
from sandbox.scorer import Estimate, table_of
from sandbox.trace import AgentSpec, Episode, EpisodeSpec, MenuEntry, Outcome, Status, Step

SHOP = Shop()
SCORER = MarketRegret()
Chooser = Callable[[ShopItem, tuple[Move, ...]], Move | None]


def visit(
    item: ShopItem,
    choose: Chooser,
    *,
    order: int = 0,
    framing: Literal["lived", "hypothetical"] = "lived",
    status: Status = "finished",
    agent: str = "shopper",
    moves: int = 50,
) -> Episode:
    """The trace of a visit in which `choose` decides (None: no legal answer, so the forfeit happens)."""
    config = ShopConfig(positions=order)
    state = SHOP.initial(config, item)
    steps: list[Step] = []
    while SHOP.to_move(state) and len(steps) < moves:
        legal = tuple(move for move in SHOP.menu(state, "buyer") if isinstance(move, Move))
        menu = {
            move: MenuEntry(move=move.model_dump(), appraisal=SHOP.appraise(state, "buyer", move)) for move in legal
        }
        move = choose(item, legal)
        outcome: Outcome = "invalid" if move is None else "abstention" if move.abstains else "valid"
        applied = move if move is not None and framing == "lived" else SHOP.forfeit(state, "buyer")
        steps.append(
            Step(
                index=len(steps),
                tick=len(steps),
                seat="buyer",
                menu=tuple(menu.values()),
                decision=None if move is None else menu[move],
                applied=applied.model_dump(),
                outcome=outcome,
            )
        )
        state = SHOP.apply(state, {"buyer": applied})
    spec = EpisodeSpec(
        environment=SHOP.id,
        config=config.model_dump(),
        item=item.model_dump(mode="json"),
        seats={"buyer": AgentSpec(id=agent, name=agent)},
        evaluated=("buyer",),
        framing=framing,
    )
    return Episode(
        id=spec.key,
        spec=spec,
        status=status,
        steps=tuple(steps),
        payoffs=SHOP.payoffs(state),
        facts=SHOP.facts(state),
        benchmarks=SHOP.benchmarks(config, item, {}),
        hash=spec.key + str([dict(step.applied) for step in steps]),
    )


def best(item: ShopItem, legal: tuple[Move, ...]) -> Move:
    state = SHOP.initial(ShopConfig(), item)
    return Buy(product=item.products[state.worth.index(max(state.worth))].id)


def cheapest(item: ShopItem, legal: tuple[Move, ...]) -> Move:
    return Buy(product=min(item.products, key=lambda product: product.price).id)


def first(item: ShopItem, legal: tuple[Move, ...]) -> Move:
    return legal[0]


def leave(item: ShopItem, legal: tuple[Move, ...]) -> Move:
    return Leave()


def nothing(item: ShopItem, legal: tuple[Move, ...]) -> None:
    return None


def look(item: ShopItem, legal: tuple[Move, ...]) -> Move:
    return next(move for move in legal if isinstance(move, Open))


def visits(choose: Chooser, items: int = 16, **settings: Any) -> list[Episode]:
    return [visit(i, choose, order=order, **settings) for i in SHOP.items(ShopConfig(items=items)) for order in (0, 1)]


def scores(episode: Episode) -> dict[str, float | None]:
    return {score.name: score.value for score in SCORER.score(episode).scores}


def estimates(episodes: Sequence[Episode], group: str = "") -> dict[str, Estimate]:
    found = SCORER.estimate(table_of(episodes, {episode.id: SCORER.score(episode) for episode in episodes}))
    return {estimate.name: estimate for estimate in found.estimates if estimate.group == group}


# -- one episode -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choose", [best, cheapest, first, leave])
def test_the_regret_of_an_episode_is_what_the_scenario_says(choose: Chooser) -> None:
    for episode in visits(choose, items=6):
        assert scores(episode)["regret"] == episode.facts["regret"]
        assert scores(episode)["utility"] == episode.facts["utility"] == episode.total


def test_scores_of_a_purchase_say_where_it_was_and_whether_it_was_dominated() -> None:
    dominated_set, tradeoff = SHOP.items(ShopConfig(items=2))
    wrong = next(p for p in dominated_set.products if Buy(product=p.id) != best(dominated_set, ()))
    episode = visit(dominated_set, lambda item, legal: Buy(product=wrong.id), order=1)
    found = scores(episode)
    assert (found["bought"], found["left"], found["no_answer"], found["dominated"]) == (1, 0, 0, 1)
    assert found["position"] == 7 - dominated_set.products.index(wrong)
    assert found["over_budget"] == float(wrong.price > dominated_set.buyer.budget)
    assert scores(visit(dominated_set, best))["dominated"] == 0
    assert scores(visit(tradeoff, first))["dominated"] is None
    (mark,) = SCORER.score(episode).marks
    assert (mark.step, mark.value) == (0, found["regret"])


def test_an_episode_without_a_purchase_has_the_forgone_best_as_its_regret_and_says_why() -> None:
    item = SHOP.items(ShopConfig())[1]
    forgone = max(SHOP.initial(ShopConfig(), item).worth)
    for choose, kind in ((leave, "left"), (nothing, "no_answer")):
        found = scores(visit(item, choose))
        assert found["regret"] == forgone
        assert (found[kind], found["bought"], found["position"]) == (1, 0, None)


def test_a_visit_cut_while_looking_around_counts_as_no_purchase() -> None:
    item = SHOP.items(ShopConfig())[1]
    found = scores(visit(item, look, status="truncated", moves=1))
    assert (found["bought"], found["left"], found["no_answer"]) == (0, 0, 0)
    assert found["regret"] == max(SHOP.initial(ShopConfig(), item).worth)


def test_a_hypothetical_answer_is_scored_as_if_it_had_happened() -> None:
    item = SHOP.items(ShopConfig())[0]
    assert scores(visit(item, best, framing="hypothetical"))["regret"] == 0
    undecided = SCORER.score(visit(item, look, framing="hypothetical")).scores
    assert [(score.value, score.reason) for score in undecided] == [(None, "would open, which is no purchase")]


def test_a_failed_or_empty_episode_has_no_regret_and_another_environment_no_score() -> None:
    episode = visit(SHOP.items(ShopConfig())[0], best)
    failed = episode.model_copy(update={"status": "error", "facts": {}, "steps": (), "reason": "boom"})
    (score,) = SCORER.score(failed).scores
    assert (score.value, score.reason) == (None, "the episode failed: boom")
    empty = episode.model_copy(update={"steps": ()})
    assert [score.value for score in SCORER.score(empty).scores] == [None]
    other = episode.model_copy(update={"facts": {}, "spec": episode.spec.model_copy(update={"environment": "a/B-v0"})})
    assert SCORER.score(other).scores == ()


# -- many episodes ---------------------------------------------------------------------------------------------------


def test_the_oracle_has_no_regret_and_the_others_have_their_anchors() -> None:
    oracle = estimates(visits(best))
    assert (oracle["regret"].estimate, oracle["relative_regret"].estimate) == (0, 0)
    assert oracle["dominated"].estimate == oracle["over_budget"].estimate == 0
    assert oracle["anchor/oracle"].estimate == 0
    front = estimates(visits(first))
    assert front["regret"].estimate == pytest.approx(front["anchor/first"].estimate)
    assert front["position/0"].estimate == 1
    assert front["position/7"].estimate == 0
    gone = estimates(visits(leave))
    assert gone["regret"].estimate == pytest.approx(gone["anchor/leave"].estimate)


def test_buying_each_product_once_has_exactly_the_regret_of_random() -> None:
    """The known answer of the anchor: the mean over all eight purchases is the expectation."""
    episodes = []
    for k in range(8):
        for item in SHOP.items(ShopConfig(items=6)):
            episodes.append(visit(item, lambda item, legal, k=k: legal[k], agent=f"{k}"))  # type: ignore[misc]
    everyone = [
        episode.model_copy(
            update={"spec": episode.spec.model_copy(update={"seats": {"buyer": AgentSpec(id="all", name="all")}})}
        )
        for episode in episodes
    ]
    found = estimates(everyone)
    assert found["regret"].estimate == pytest.approx(found["anchor/random"].estimate)
    assert found["relative_regret"].estimate == pytest.approx(1)
    assert found["dominated"].estimate == pytest.approx(7 / 8)
    assert found["position/3"].estimate == pytest.approx(1 / 8)


def test_a_buyer_at_random_comes_out_at_the_anchor_of_random() -> None:
    def blindly(item: ShopItem, legal: tuple[Move, ...]) -> Move:
        return legal[int(Luck(5).generator(item.id).integers(8))]

    found = estimates(visits(blindly, items=60))["relative_regret"]
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 < found.high


def test_whoever_never_answers_or_leaves_gets_no_good_number_and_is_counted() -> None:
    for choose, share in ((nothing, "no_answer"), (leave, "left")):
        found = estimates(visits(choose))
        assert found["relative_regret"].estimate is not None
        assert found["relative_regret"].estimate > 1
        assert (found["bought"].estimate, found[share].estimate) == (0, 1)
        assert found["dominated"].estimate is None
        assert "32 of 32 episodes ended without a purchase" in found["dominated"].reason


def test_intervals_resample_items_and_every_estimate_shows_what_it_rests_on() -> None:
    found = estimates(visits(cheapest))
    regret = found["regret"]
    assert (regret.n, regret.n_distinct, regret.clusters) == (32, 32, 16)
    assert regret.low is not None
    assert regret.high is not None
    assert regret.estimate is not None
    assert regret.low < regret.estimate < regret.high
    assert regret.estimate == pytest.approx(mean(episode.facts["regret"] for episode in visits(cheapest)))
    assert found["dominated"].clusters == 8
    assert estimates(visits(cheapest)) == found


def test_one_item_or_equal_traces_have_no_interval() -> None:
    one = estimates(visits(cheapest, items=1))
    assert (one["regret"].low, one["regret"].reason) == (None, "one item only, or no variation between items")
    same = [visit(SHOP.items(ShopConfig())[0], first)]
    assert estimates(same)["regret"].reason == "all traces are the same"
    assert estimates(same)["bought"].low is None


def test_hypothetical_answers_form_their_own_group_and_what_is_left_out_is_said() -> None:
    episodes = visits(best, items=4) + visits(first, items=4, framing="hypothetical")
    assert estimates(episodes)["regret"].estimate == 0
    asked = estimates(episodes, "hypothetical")
    assert asked["position/0"].estimate == 1
    assert asked.keys() == estimates(episodes).keys()

    undecided = visits(look, items=2, framing="hypothetical") + visits(look, items=1, moves=1, status="truncated")
    table = table_of(undecided, {episode.id: SCORER.score(episode) for episode in undecided})
    found = SCORER.estimate(table)
    assert len(found.warnings) == 2
    assert "4 of 6 shopping episodes have no regret" in found.warnings[0]
    assert {e.estimate for e in found.estimates if e.group == "hypothetical"} == {None}
