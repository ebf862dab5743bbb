"""Remaining time: what past runs and the run itself tell about when it will end. Pure; time is an argument."""

from headway.progress.remaining.countdown import Countdown
from headway.progress.remaining.duration_text import Formatter, format_duration, format_estimate
from headway.progress.remaining.estimate import Basis, Estimate, Estimator
from headway.progress.remaining.history import KEPT_RUNS, History, PastRun, StageSpan, newest
from headway.progress.remaining.learned import Learned
from headway.progress.remaining.profile import Profile
from headway.progress.remaining.registry import DEFAULT, estimator, estimators, register
from headway.progress.remaining.rule import exponential, mean, median
from headway.progress.remaining.situation import (
    EndedStage,
    PlannedStage,
    QueuePlace,
    RunningStage,
    Situation,
)
from headway.progress.remaining.spread import FEW_RUNS, pooled_spread

__all__ = [
    "DEFAULT",
    "FEW_RUNS",
    "KEPT_RUNS",
    "Basis",
    "Countdown",
    "EndedStage",
    "Estimate",
    "Estimator",
    "Formatter",
    "History",
    "Learned",
    "PastRun",
    "PlannedStage",
    "Profile",
    "QueuePlace",
    "RunningStage",
    "Situation",
    "StageSpan",
    "estimator",
    "estimators",
    "exponential",
    "format_duration",
    "format_estimate",
    "mean",
    "median",
    "newest",
    "pooled_spread",
    "register",
]
