"""Games in which agents deal with each other over money: pure rules, and the theory that stands beside their scores."""

from sandbox_env_games.bargaining import Bargaining

__all__ = ["Bargaining"]
