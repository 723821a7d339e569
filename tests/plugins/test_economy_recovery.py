"""Simulated agents whose mean payoff is known: bias and coverage of the intervals of economy/game."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sandbox_score_economy import GameScorer, payoff_matrix

from sandbox.scorer import Table, row_of
from tests.plugins.test_economy_game import played

SCORER = GameScorer()
EXPERIMENTS = 400
MEAN = 20.0


@pytest.mark.recovery
@pytest.mark.parametrize(("configurations", "seeds"), [(1, 40), (40, 5)])
def test_the_interval_of_a_mean_payoff_covers_it(
    configurations: int, seeds: int, record_property: Callable[[str, object], None]
) -> None:
    """Configurations have means of their own, normal around the truth; payoffs are skewed around those."""
    episodes = [
        played({"row": 0.0, "column": 0.0}, config={"size": size}, seed=seed)
        for size in range(configurations)
        for seed in range(seeds)
    ]
    blank = [row_of(one, SCORER.score(one)) for one in episodes]
    chance = np.random.default_rng(5)
    estimates, held = [], []
    for _ in range(EXPERIMENTS):
        centres = chance.normal(MEAN, 5 if configurations > 1 else 0, size=configurations)
        rows = []
        for row in blank:
            payoff = centres[row.config["size"]] + chance.exponential(10) - 10
            scores = (score for score in row.scores if score.name != "payoff")
            own = row.scores[0].model_copy(update={"value": payoff})
            rows.append(row.model_copy(update={"scores": (own, *scores), "hash": str(payoff)}))
        ((cell,),) = payoff_matrix(SCORER.estimate(Table(rows, None)).estimates, "games/Made-v0", "row").cells
        assert cell is not None
        assert cell.estimate is not None
        assert cell.low is not None
        assert cell.high is not None
        estimates.append(cell.estimate)
        held.append(cell.low <= MEAN <= cell.high)
    bias, coverage = float(np.mean(estimates) - MEAN), float(np.mean(held))
    record_property(
        "recovery",
        f"economy/game: payoff of {configurations} x {seeds} games: bias {bias:+.3f}, coverage {coverage:.3f}",
    )
    assert abs(bias) < 0.3
    assert 0.9 <= coverage <= 0.98  # of 40 skewed units a percentile bootstrap covers about .93; noise here: .013
