"""Plan: which trainings a study compares, and as which runs they are in the store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from models.arms import clip_arms, diagnose_arms, seeds_of, suggested_clip, sweep_arms
from models.config import Compute, Training
from models.errors import ModelError
from models.study import Arm
from tasks.records import stored_record
from tasks.train import code_version
from tasks.verb import tell, verb
from warehouse.config import Dataset, Diagnosis, Extraction, Size, Source, Sweep
from warehouse.runs import run_id_of
from warehouse.snapshot import open_snapshot
from warehouse.store import store_at


@dataclass(frozen=True)
class Question:
    """What a study asks, of which data, and where it may run."""

    source: Source
    size: Size
    dataset: Dataset
    training: Training
    study: Diagnosis | Sweep
    compute: Compute
    extraction: Extraction
    store: str | None

    @property
    def kind(self) -> str:
        """Return the flow's name."""
        return "sweep" if isinstance(self.study, Sweep) else "diagnose"

    def seeds_of(self, arm: Arm) -> tuple[int, ...]:
        """Return an arm's seeds: all of a sweep's have the same."""
        study = self.study
        if isinstance(study, Sweep):
            return seeds_of(arm, "full", study.seeds, study.seeds)
        return seeds_of(arm, study.depth, study.seeds, study.remedy_seeds)


@dataclass(frozen=True)
class PlannedRun:
    """One training of a study: an arm under one seed."""

    run_id: str
    arm: str
    training: Training

    def __str__(self) -> str:
        """Return it as people and files name it."""
        return f"{self.arm}-seed-{self.training.seed}"


@dataclass(frozen=True)
class StudyPlan:
    """A study's arms on a dataset, the base first, and its runs by the arms' names."""

    question: Question
    dataset_id: str
    code: str  # that decides the runs' results
    arms: tuple[Arm, ...]
    n_later: int = 0  # runs of arms that are known only once the base has run

    @property
    def n_runs(self) -> int:
        """Return how many runs there will be in all."""
        return len({run.run_id for run in self.runs(self.arms)}) + self.n_later

    def base_runs(self) -> list[PlannedRun]:
        """Return the runs that the others are compared with."""
        return list(self.runs(self.arms[:1]))

    def runs(self, arms: Iterable[Arm]) -> Iterator[PlannedRun]:
        """Yield the runs of arms, each arm's in the order of its seeds."""
        for arm in arms:
            for seed in self.question.seeds_of(arm):
                training = arm.training.model_copy(update={"seed": seed})
                run_id = run_id_of(self.dataset_id, training.model_dump(mode="json"), self.code)
                yield PlannedRun(run_id, arm.name, training)


@verb
def plan_arms(question: Question, dataset_id: str) -> StudyPlan:
    """List the arms that can be known before anything has run."""
    study, base = question.study, question.training
    if isinstance(study, Sweep):
        return StudyPlan(question, dataset_id, code_version(), sweep_arms(base, study.rates))
    plan = StudyPlan(question, dataset_id, code_version(), diagnose_arms(base, study.depth, study.only))
    return replace(plan, n_later=len(list(plan.runs(clip_arms(base, 1.0, study.depth, study.only)))))


@verb
def add_clip_arms(plan: StudyPlan) -> StudyPlan:
    """Add the arms that clip where the base's own gradients suggest; a sweep has none."""
    question = plan.question
    if isinstance(question.study, Sweep) or not plan.n_later:
        return plan
    snapshot = open_snapshot(store_at(question.store).dataset(plan.dataset_id))
    try:
        threshold = suggested_clip([stored_record(question.store, run.run_id, snapshot) for run in plan.base_runs()])
    except ModelError as error:
        tell(f"no arm clips at what the base suggests: {error}")
        return replace(plan, n_later=0)
    tell(f"90 % of the base's gradient norms are below {threshold:.3g}: arms clip there, too")
    asked = [arm.training for arm in plan.arms]
    clipping = clip_arms(question.training, threshold, question.study.depth, question.study.only)
    return replace(plan, arms=(*plan.arms, *(arm for arm in clipping if arm.training not in asked)), n_later=0)
