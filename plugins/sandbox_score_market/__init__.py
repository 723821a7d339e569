"""Scorers of marketplaces: what an agent's buying costs its buyer, and what its choices follow."""
