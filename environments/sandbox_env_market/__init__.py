"""A mock shop in which an agent buys one of eight products for a buyer whose true utility is known."""

from sandbox_env_market.page import Page
from sandbox_env_market.shop import Back, Buy, Leave, Open, Shop, ShopConfig, Visit

__all__ = ["Back", "Buy", "Leave", "Open", "Page", "Shop", "ShopConfig", "Visit"]
