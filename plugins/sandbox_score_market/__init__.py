"""Scorers of marketplaces: what an agent's buying costs its buyer, and what its choices follow."""

from sandbox_score_market.choice_model import ChoiceModel
from sandbox_score_market.position import MarketPosition
from sandbox_score_market.rationality import MarketRationality
from sandbox_score_market.regret import MarketRegret
from sandbox_score_market.search import MarketSearch
from sandbox_score_market.share import MarketShare

__all__ = ["ChoiceModel", "MarketPosition", "MarketRationality", "MarketRegret", "MarketSearch", "MarketShare"]
