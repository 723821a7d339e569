"""Games in which agents deal with each other over money: pure rules, and the theory that stands beside their scores.

A game's module is imported when the game is first asked for: nobody pays for fifteen games to play one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox_env_games.auctions import SealedBid
    from sandbox_env_games.bargaining import Bargaining
    from sandbox_env_games.beauty import Beauty
    from sandbox_env_games.bertrand import BertrandGame
    from sandbox_env_games.cournot import CournotGame
    from sandbox_env_games.english import English
    from sandbox_env_games.fishery import Fishery
    from sandbox_env_games.logit import LogitPricing
    from sandbox_env_games.matrix import Matrix
    from sandbox_env_games.negotiation import Negotiation
    from sandbox_env_games.persuasion import Persuasion
    from sandbox_env_games.public_goods import PublicGoods
    from sandbox_env_games.sharing import Dictator, Trust, Ultimatum

__all__ = [
    "Bargaining",
    "Beauty",
    "BertrandGame",
    "CournotGame",
    "Dictator",
    "English",
    "Fishery",
    "LogitPricing",
    "Matrix",
    "Negotiation",
    "Persuasion",
    "PublicGoods",
    "SealedBid",
    "Trust",
    "Ultimatum",
]

_MODULES = {
    "Bargaining": "bargaining",
    "Beauty": "beauty",
    "BertrandGame": "bertrand",
    "CournotGame": "cournot",
    "Dictator": "sharing",
    "English": "english",
    "Fishery": "fishery",
    "LogitPricing": "logit",
    "Matrix": "matrix",
    "Negotiation": "negotiation",
    "Persuasion": "persuasion",
    "PublicGoods": "public_goods",
    "SealedBid": "auctions",
    "Trust": "sharing",
    "Ultimatum": "sharing",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"sandbox_env_games has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"sandbox_env_games.{_MODULES[name]}"), name)
