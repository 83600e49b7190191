"""What may be asked, and what is refused."""

import pytest
from pydantic import ValidationError

from models.config import Clip, Optimizer, Schedule, Training


@pytest.mark.parametrize(
    "asked",
    [
        {"order": "random"},
        {"optimizer": {"name": "lion"}},
        {"optimizer": {"name": "adam", "momentum": 0.9}},
        {"optimizer": {"name": "adagrad", "momentum": 0.9}},
        {"optimizer": {"rate": 1}},
        {"schedule": {"name": "cosine", "floor": 0}},
        {"schedule": {"name": "step", "factor": 1}},
        {"schedule": {"warmup": {"value": 0}}},
        {"clip": {"name": "norm", "threshold": 0}},
        {"loss": "probabilities", "loss_eps": 0},
        {"ema_decay": 1},
        {"buffer_windows": 0},
    ],
)
def test_what_has_no_meaning_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Training.model_validate(asked)


def test_defaults_are_a_plain_training_with_adam() -> None:
    config = Training()
    assert (config.order, config.loss, config.ema_decay) == ("reshuffle", "logits", None)
    assert (config.optimizer, config.schedule, config.clip) == (Optimizer(), Schedule(), Clip())
    assert (config.optimizer.name, config.schedule.name, config.clip.name) == ("adam", "constant", "none")
    assert (config.optimizer.weight_decay, config.schedule.warmup) == (0.0, None)


def test_a_configuration_comes_back_from_its_json() -> None:
    config = Training(
        optimizer=Optimizer(name="sgd", momentum=0.9),
        schedule=Schedule.model_validate({"name": "step", "warmup": {"value": 100, "unit": "steps"}}),
    )
    assert Training.model_validate_json(config.model_dump_json()) == config
