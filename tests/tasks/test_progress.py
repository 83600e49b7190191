from models.curves import CurvePoint
from models.progress import Progress
from tasks.progress import artifact_size, shown


def point(estimator: str, metric: str, value: float) -> CurvePoint:
    return CurvePoint(8, 0.25, 1, estimator, metric, value, value, 1, None, None)


def test_an_evaluation_is_one_line(caplog):
    points = (
        point("train_running", "loss", 5.0),
        point("train_running", "hr@10", 0.1),
        point("validation", "loss", 6.0),
        point("validation", "mrr@10", 0.3),
    )
    with caplog.at_level("INFO", logger="sawtooth"), shown("250k") as on_progress:
        on_progress(Progress(4, 32, 0.125, ()))
        on_progress(Progress(8, 32, 0.25, points))
    assert caplog.messages == ["epoch   0.25 | running loss 5.0000 hr@10 0.1000 | validation loss 6.0000"]


def test_a_size_becomes_letters_digits_and_dashes():
    assert artifact_size("5.5m") == "5-5m"
