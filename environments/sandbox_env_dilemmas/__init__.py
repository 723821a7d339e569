"""Dilemmas: stated choices between actions that serve different values and take different risks."""

from sandbox_env_dilemmas.choice import Choice
from sandbox_env_dilemmas.datasets import load
from sandbox_env_dilemmas.dilemma import Dilemma, Option

__all__ = ["Choice", "Dilemma", "Option", "load"]
