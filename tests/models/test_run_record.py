import numpy as np

from models.run_record import Overlap, record_of
from models.training import train


def test_a_training_in_memory_becomes_a_record(data, tiny, compute):
    config = tiny()
    trained = train(data, config, compute, lambda _: None)
    users = np.arange(60) // 4
    run = record_of(trained, config, "name", users, Overlap(1, 2))
    assert (run.run_id, run.status, run.config, run.overlap) == ("name", "finished", config, Overlap(1, 2))
    assert run.points == trained.points
    assert {record.quantity for record in run.norms} >= {"weight", "update", "gradient"}
    assert "step_gradient" not in {record.quantity for record in run.norms}
    assert run.watched.loss_KW.shape == (8, 50)
    assert run.watched.user_W.tolist() == users[:50].tolist()
    points = [point for point in trained.points if (point.estimator, point.metric) == ("validation", "hr@5")]
    assert (run.watched.rank_KW <= 5).mean(1).tolist() == [np.float64(point.value) for point in points]


def test_without_users_each_window_is_one(data, tiny, compute):
    config = tiny()
    assert record_of(train(data, config, compute, lambda _: None), config).watched.user_W.tolist() == list(range(50))
