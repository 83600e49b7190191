"""A run that was stopped, killed or short of disk goes on, and ends as if nothing had been."""

import errno
import os
import shutil
import signal
from pathlib import Path

import polars as pl
import pytest

from models import training
from models.config import Compute
from models.errors import TrainingStoppedError
from tasks.train import train
from tests.tasks.conftest import TINY, TinyRun
from warehouse.runs import SCHEMAS, draft_of
from warehouse.store import Store

EVERY_STEP = Compute(device="cpu", threads=1, checkpoint_s=0)
TABLES = [name for name in SCHEMAS if name not in {"ranks", "scores"}]  # what training leaves


class Asked:
    """The store of a tiny run without the run, and the same question asked of it again."""

    def __init__(self, whole: TinyRun, root: Path) -> None:
        self.whole, self.root = whole, root
        for part in ("events", "datasets"):
            shutil.copytree(whole.store / part, root / part)

    def train(self, compute: Compute = EVERY_STEP) -> None:
        assert train(self.whole.dataset_id, TINY.training, compute, str(self.root)).run_id == self.whole.run_id

    @property
    def draft(self) -> Path:
        return draft_of(Store(self.root), self.whole.run_id).folder

    @property
    def checkpoints(self) -> list[str]:
        return sorted(path.name for path in (self.draft / "checkpoints").glob("step-*"))

    def is_bitwise_whole(self) -> bool:
        """Return whether weights and curves are those of the run that was not disturbed."""
        reference = self.whole.store / "runs" / self.whole.run_id
        weights = (folder / "model.safetensors" for folder in (self.draft, reference))
        one, other = (path.read_bytes() for path in weights)
        return one == other and all(
            pl.read_parquet(self.draft / f"{name}.parquet").equals(pl.read_parquet(reference / f"{name}.parquet"))
            for name in TABLES
        )


@pytest.fixture
def asked(tiny_run: TinyRun, tmp_path: Path) -> Asked:
    return Asked(tiny_run, tmp_path / "store")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture):
    """Give a function that lists what was told."""
    caplog.set_level("INFO", logger="sawtooth")
    return lambda: caplog.messages


@pytest.fixture
def signal_at(monkeypatch: pytest.MonkeyPatch):
    """Give a function that sends this process SIGTERM in a step, and lists those that reach the handler from before."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    take_step = training.take_step

    def arrange(step: int) -> list[int]:
        steps = iter([step])

        def take(state, *arguments):
            if state.step == step and next(steps, None):  # once
                os.kill(os.getpid(), signal.SIGTERM)
            return take_step(state, *arguments)

        monkeypatch.setattr(training, "take_step", take)
        return heard

    yield arrange
    signal.signal(signal.SIGTERM, before)


def test_sigterm_takes_a_checkpoint_and_the_run_goes_on_from_it(asked: Asked, signal_at, told) -> None:
    heard = signal_at(9)
    with pytest.raises(TrainingStoppedError, match="after step 10"):
        asked.train(Compute(device="cpu", threads=1))
    assert heard == [signal.SIGTERM]
    assert asked.checkpoints == ["step-10"]
    assert told()[-1].endswith(
        "The training stopped after step 10, as it was asked to; asked for again it goes on from its checkpoint."
    )
    asked.train()
    assert any("goes on after step 10, from its checkpoint" in line for line in told())
    assert asked.is_bitwise_whole()


def test_a_signal_in_the_last_step_leaves_its_evaluation_to_be_made(asked: Asked, signal_at) -> None:
    heard = signal_at(23)  # 8 steps an epoch, 3 epochs
    with pytest.raises(TrainingStoppedError, match="after step 24"):
        asked.train()
    assert heard == [signal.SIGTERM]
    assert not (asked.draft / "trained.mark").exists()
    asked.train()
    assert asked.is_bitwise_whole()


def test_a_damaged_newest_checkpoint_costs_what_came_after_the_one_before(asked: Asked, signal_at, told) -> None:
    signal_at(9)
    with pytest.raises(TrainingStoppedError):
        asked.train()
    assert asked.checkpoints == ["step-10", "step-9"]
    arrays = asked.draft / "checkpoints" / "step-10" / "arrays.safetensors"
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(content)
    asked.train()
    assert any("step-10 is damaged" in line for line in told())
    assert any("goes on after step 9" in line for line in told())
    assert asked.is_bitwise_whole()


def test_a_disk_that_is_full_for_checkpoints_does_not_end_the_training(
    asked: Asked, told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("warehouse.checkpoints.publish", full)
        asked.train()
    warnings = [line for line in told() if line.startswith("warning")]
    assert len(warnings) == 24  # at every step
    assert "has no checkpoint of step 0" in warnings[0]
    assert "no space left on device; free space" in warnings[0]
    assert asked.checkpoints == []
    assert asked.is_bitwise_whole()
