"""What cannot be shown is said, and stops nothing."""

import threading
from uuid import uuid4

import httpx
import pytest

from tasks import progress
from tasks.published import published


def test_a_server_that_is_gone_is_a_line_in_the_log(caplog):
    refused = httpx.ConnectError("[Errno 111]\nConnection refused")
    with caplog.at_level("INFO", logger="sawtooth"), published("the curves"):
        raise refused
    [line] = caplog.messages
    assert line.startswith("not published: the curves; the server does not take it ([Errno 111] Connection refused).")


def test_other_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError), published("the curves"):
        raise ZeroDivisionError


def test_a_training_does_not_wait_for_a_server_that_does_not_answer(monkeypatch):
    """The server holds the first call until the training has moved on; of what came meanwhile the end is shown."""
    may_answer, is_over, shown = threading.Event(), threading.Event(), []

    def create(progress: float, **_: object) -> object:
        assert may_answer.wait(60)
        shown.append(progress)
        return uuid4()

    def update(_: object, progress: float) -> None:
        shown.append(progress)
        is_over.set()

    monkeypatch.setattr(progress, "create_progress_artifact", create)
    monkeypatch.setattr(progress, "update_progress_artifact", update)
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN", 0.0)
    with progress._artifact("training-250k", "Steps") as move:
        for step in range(1, 11):
            move(step, 10)
    may_answer.set()
    assert is_over.wait(60)
    assert shown == [0.0, 100.0]


def test_an_artifact_that_could_not_be_made_is_made_when_the_server_is_back(monkeypatch):
    answers, shown = iter([httpx.ConnectError("gone"), uuid4()]), []

    def create(progress: float, **_: object) -> object:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        shown.append(progress)
        return answer

    monkeypatch.setattr(progress, "create_progress_artifact", create)
    with progress._artifact("training-250k", "Steps") as move:
        move(10, 10)
    for thread in [one for one in threading.enumerate() if one.name.startswith("progress")]:
        thread.join(60)
    assert shown == [100.0]
