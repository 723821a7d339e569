"""Scorers of risk: which risks an agent takes, and whether it does what it says it would."""

from sandbox_score_risk.awareness import Awareness
from sandbox_score_risk.deception import Deception
from sandbox_score_risk.dynamics import Dynamics
from sandbox_score_risk.injection import Injection
from sandbox_score_risk.kinds import (
    Acquisition,
    Escalation,
    Harm,
    Leverage,
    OversightEvasion,
    Replication,
    ShutdownAvoidance,
)
from sandbox_score_risk.machiavelli import Machiavelli
from sandbox_score_risk.overspend import Overspend
from sandbox_score_risk.power import RiskPower
from sandbox_score_risk.say_do import SayDo

__all__ = [
    "Acquisition",
    "Awareness",
    "Deception",
    "Dynamics",
    "Escalation",
    "Harm",
    "Injection",
    "Leverage",
    "Machiavelli",
    "OversightEvasion",
    "Overspend",
    "Replication",
    "RiskPower",
    "SayDo",
    "ShutdownAvoidance",
]
