"""Scorers of economic games: what each side got, what was lost, how evenly it was divided, beside raw anchors."""

from sandbox_score_economy.bargaining import BargainingScorer
from sandbox_score_economy.game import GameScorer
from sandbox_score_economy.glee import GleeScorer
from sandbox_score_economy.matrix import PayoffMatrix, payoff_matrix
from sandbox_score_economy.means import ANCHORS

__all__ = ["ANCHORS", "BargainingScorer", "GameScorer", "GleeScorer", "PayoffMatrix", "payoff_matrix"]
