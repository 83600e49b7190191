"""Threads that share a step."""

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.crew import crew_of, shares


@given(st.integers(0, 1000), st.integers(1, 9))
def test_shares_cover_everything_once_and_evenly(total: int, size: int) -> None:
    found = shares(total, size)
    assert [index for each in found for index in range(total)[each]] == list(range(total))
    lengths = [each.stop - each.start for each in found]
    assert len(found) == size
    assert max(lengths) - min(lengths) <= 1


def test_a_crew_works_at_once_in_order_with_one_torch_thread_each() -> None:
    before, meeting = torch.get_num_threads(), threading.Barrier(3, timeout=10)  # breaks unless all three are at work

    def work(member: int) -> tuple[int, int, bool]:
        meeting.wait()
        return member, torch.get_num_threads(), torch.is_grad_enabled()

    with crew_of(3) as crew:
        assert crew.each(work) == [(member, 1, False) for member in range(3)]
        assert torch.is_grad_enabled()
    assert torch.get_num_threads() == before


def test_a_crew_of_one_is_the_caller() -> None:
    with crew_of(1) as crew:
        assert crew.each(lambda member: (member, threading.get_ident())) == [(0, threading.get_ident())]


@pytest.mark.parametrize("bad", [0, 1])
def test_an_error_of_a_member_reaches_the_caller_when_all_are_done(bad: int) -> None:
    done, failed = [], threading.Event()

    def work(member: int) -> None:
        if member == bad:
            failed.set()
            raise ZeroDivisionError
        assert failed.wait(10)
        done.append(member)

    with crew_of(2) as crew:
        with pytest.raises(ZeroDivisionError):
            crew.each(work)
        assert done == [1 - bad]
