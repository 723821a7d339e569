"""Scorers of risk: which risks an agent takes, and whether it does what it says it would."""
