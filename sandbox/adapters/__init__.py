"""Bridges between a scenario and the worlds that it meets: Gymnasium, PettingZoo, LangGraph, language models."""
