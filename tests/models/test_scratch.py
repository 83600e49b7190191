"""Memory that is used again."""

import torch

from models.scratch import Scratch


def test_memory_is_kept_and_grows() -> None:
    scratch = Scratch()
    first = scratch.take("a", 4, 5)
    again = scratch.take("a", 2, 3)
    assert again.data_ptr() == first.data_ptr()
    assert again.shape == (2, 3)
    assert again.is_contiguous()
    assert scratch.take("a", 6, 5).shape == (6, 5)


def test_names_and_types_do_not_share() -> None:
    scratch = Scratch()
    taken = [scratch.take("a", 4), scratch.take("b", 4), scratch.take("a", 4, dtype=torch.float64)]
    assert len({each.data_ptr() for each in taken}) == 3
