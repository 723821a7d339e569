"""Situations in which power pays: steppable, seeded, and their own state decides whether a risk was taken."""

from sandbox_env_power.off_switch import OffSwitch

__all__ = ["OffSwitch"]
