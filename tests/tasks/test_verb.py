import logging
import logging.handlers

import pytest

from tasks.verb import in_flow_run, tell, tell_last, verb


@verb
def add_one(number: int) -> int:
    """Add one."""
    if in_flow_run():
        pytest.fail("there is no flow run here")
    return number + 1


def test_outside_a_flow_run_a_verb_is_its_plain_function():
    assert add_one(1) == 2


def test_a_verb_is_named_as_people_would_say_it():
    assert add_one.name == "add one"


def test_outside_a_flow_run_lines_go_to_the_log(caplog):
    with caplog.at_level(logging.INFO, logger="sawtooth"):
        tell("41 rows in quarantine")
    assert caplog.messages == ["41 rows in quarantine"]


def test_the_last_line_of_a_process_does_not_wait_in_a_buffer(caplog):
    log, sent = logging.getLogger("sawtooth"), logging.handlers.BufferingHandler(100)
    waiting = logging.handlers.MemoryHandler(100, target=sent)
    log.addHandler(waiting)
    try:
        with caplog.at_level(logging.INFO, logger="sawtooth"):
            tell("early")
            assert not sent.buffer
            tell_last("stopped after step 12")
    finally:
        log.removeHandler(waiting)
    assert [record.getMessage() for record in sent.buffer] == ["early", "stopped after step 12"]
