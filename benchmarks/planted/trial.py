"""One trial: a kind planted with one seed, and what the verdicts say of it in each way of judging."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Literal, get_args

from models.arms import diagnose_arms
from models.config import Compute, Training
from models.curve_set import CurveSet, Role
from models.curve_verdict import judge
from models.errors import ModelError
from models.hypotheses import HypothesisId
from models.overlap import overlap
from models.run_curves import curve_set
from models.run_record import RunRecord, record_of
from models.run_verdict import judge_runs
from models.study import ArmRuns
from models.study_verdict import conclude
from models.training import train
from models.verdict import CurveVerdict, Issue
from planted.kinds import KINDS, Kind
from planted.logs import SmallLog, make_log

Way = Literal["curves", "probe", "run", "study"]
WAYS: tuple[Way, ...] = get_args(Way)
ASKED: dict[Way, str] = {
    "curves": "curves alone: running train and validation, loss and HR, as people log them",
    "probe": "curves alone, with the frozen probe beside them",
    "run": "one run with its instruments",
    "study": "a study of one seed: base, fixed order, replacement, a third of the rate, SGD",
}
Outcome = Literal["right", "cannot_tell", "wrong", "error"]
_ONE_THREAD = Compute(device="cpu", threads=1)
_LOGGED: frozenset[Role] = frozenset({"train_loss", "train_hr", "validation_loss", "validation_hr"})
_PROBED: frozenset[Role] = _LOGGED | {"probe_loss", "probe_hr"}
_ARMS = frozenset({"base", "reshuffle", "fixed-order", "replacement", "lr-x0.33", "sgd-momentum"})
"""Of the full diagnosis; ``reshuffle`` is there where the base does not reshuffle."""
_PERIOD = "epochs are as logged, four evaluations in each"


@dataclass(frozen=True)
class Result:
    """One verdict beside the truth; one line of the results."""

    kind: str
    seed: int
    way: Way
    leading: HypothesisId | None
    support: dict[str, float]
    is_issue: Issue | None
    outcome: Outcome  # of the cause
    issue_outcome: Outcome
    allowed: list[str]
    allowed_issue: list[str]
    seconds: float  # trainings that no earlier way needed, and judging
    error: str | None = None


class Trial:
    """A kind with a seed; each training is made once, when a way of judging first needs it."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind = kind
        self.seed = seed
        self._log: SmallLog | None = None
        self._records: dict[Training, RunRecord] = {}

    def judged(self, way: Way) -> Result:
        """Judge in one way; a refusal of the judge is an outcome, too."""
        started = time.perf_counter()
        verdict, error = self._verdict(way)
        return Result(
            kind=self.kind.name,
            seed=self.seed,
            way=way,
            leading=verdict.leading if verdict else None,
            support={one.id: round(one.support, 4) for one in verdict.hypotheses} if verdict else {},
            is_issue=verdict.is_issue if verdict else None,
            outcome=_of_cause(self.kind, verdict),
            issue_outcome=_of_issue(self.kind, verdict),
            allowed=sorted(str(name) for name in self.kind.leading),
            allowed_issue=sorted(self.kind.issue),
            seconds=round(time.perf_counter() - started, 2),
            error=error,
        )

    def record(self, training: Training) -> RunRecord:
        """Train with the bug planted."""
        if training not in self._records:
            self._records[training] = self._trained(training)
        return self._records[training]

    def _verdict(self, way: Way) -> tuple[CurveVerdict | None, str | None]:
        ways: dict[Way, Callable[[], CurveVerdict]] = {
            "curves": lambda: judge(_only(curve_set([self._base()]), _LOGGED), _PERIOD),
            "probe": lambda: judge(_only(curve_set([self._base()]), _PROBED), _PERIOD),
            "run": lambda: judge_runs([self._base()]),
            "study": lambda: conclude(self._arms()),
        }
        try:
            return ways[way](), None
        except ModelError as refused:
            return None, str(refused)

    def _base(self) -> RunRecord:
        return self.record(self.kind.training(self.seed))

    def _arms(self) -> list[ArmRuns]:
        arms = [arm for arm in diagnose_arms(self.kind.training(self.seed), "full") if arm.name in _ARMS]
        assert len(arms) >= 5, f"the diagnosis no longer has the arms of this study: {[arm.name for arm in arms]}"
        return [ArmRuns(arm, [self.record(arm.training)]) for arm in arms]

    def _trained(self, training: Training) -> RunRecord:
        if self._log is None:
            self._log = make_log(self.kind.log, self.seed)
        data = self._log.data
        with self.kind.bug(data, training) as hooks:
            trained = train(data, training, _ONE_THREAD, hooks.on_progress)
        shared = overlap(data.train, data.validation)
        record = record_of(trained, training, user_W=self._log.user_W, overlap=shared)
        return replace(record, points=hooks.told(trained.points))


def judged(name: str, seed: int, ways: tuple[Way, ...]) -> list[dict[str, object]]:
    """Plant a kind by its name and judge it, in a process of its own if need be."""
    trial = Trial(by_name()[name], seed)
    return [asdict(trial.judged(way)) for way in ways]


@cache
def by_name() -> dict[str, Kind]:
    """Return the kinds by name."""
    found = {kind.name: kind for kind in KINDS}
    assert len(found) == len(KINDS), "two kinds share a name"
    return found


def _only(curves: CurveSet, roles: frozenset[Role]) -> CurveSet:
    """Leave out what the log of somebody else does not have."""
    return replace(curves, curves={role: found for role, found in curves.curves.items() if role in roles})


def _of_cause(kind: Kind, verdict: CurveVerdict | None) -> Outcome:
    if verdict is None:
        return "error"
    if verdict.leading in kind.leading:
        return "right"
    return "cannot_tell" if verdict.leading is None else "wrong"


def _of_issue(kind: Kind, verdict: CurveVerdict | None) -> Outcome:
    if verdict is None:
        return "error"
    if verdict.is_issue == "cannot_tell":
        return "cannot_tell"
    return "right" if verdict.is_issue in kind.issue else "wrong"
