"""A mock shop in which an agent buys one of eight products for a buyer whose true utility is known."""

from sandbox_env_market.config import ShopConfig
from sandbox_env_market.moves import Back, Buy, Leave, Open
from sandbox_env_market.page import Page
from sandbox_env_market.shop import Shop, Visit

__all__ = ["Back", "Buy", "Leave", "Open", "Page", "Shop", "ShopConfig", "Visit"]
