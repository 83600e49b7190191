"""Cuts batches of windows out of the flat events, on the device, by index arithmetic.

Legend: E events, W windows, B batch, L longest history (10), V items.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from models.windows import HISTORY, UNKNOWN, WindowSet


@dataclass(frozen=True)
class Batch:
    """Windows ready for the model: oldest item in column 0, `UNKNOWN` after the last item."""

    history_BL: Tensor  # int64 codes, 0 to V
    length_B: Tensor  # int64, 1 to L
    target_B: Tensor  # int64 codes, 0 to V

    def __len__(self) -> int:
        return len(self.target_B)

    def part(self, rows: slice) -> "Batch":
        """Take some windows of it.

        Parameters
        ----------
        rows
            Which; where it is empty, one window is made of which nothing is to be learned.

        Returns
        -------
        Batch
            At least one window.
        """
        if rows.stop - rows.start == len(self):
            return self
        if rows.start == rows.stop:
            return Batch(self.history_BL[:1], self.length_B[:1], torch.full_like(self.target_B[:1], UNKNOWN))
        return Batch(self.history_BL[rows], self.length_B[rows], self.target_B[rows])


@dataclass(frozen=True)
class DeviceWindows:
    """A `WindowSet` as tensors, in the types it is stored in (13 bytes a window, 4 an event)."""

    events_E: Tensor  # int32
    ends_W: Tensor  # int64
    lengths_W: Tensor  # uint8

    def __len__(self) -> int:
        return len(self.ends_W)

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.events_E.device

    def cut(self, indices: Tensor | slice) -> Batch:
        """Gather some windows.

        Parameters
        ----------
        indices
            (B,) int64 positions among the windows, on the same device, or a slice of them.

        Returns
        -------
        Batch
            ``history_BL``, ``length_B`` and ``target_B``, all int64.
        """
        end_B = self.ends_W[indices]
        length_B = self.lengths_W[indices].long()
        column_L = torch.arange(HISTORY, device=self.device)
        position_BL = (end_B - length_B).unsqueeze(1) + column_L
        # Columns past the history would read the target and beyond, at last past the end of the events.
        position_BL = torch.minimum(position_BL, end_B.unsqueeze(1))
        history_BL = self.events_E[position_BL].long()
        history_BL.masked_fill_(column_L >= length_B.unsqueeze(1), UNKNOWN)
        return Batch(history_BL, length_B, self.events_E[end_B].long())


def on_device(windows: WindowSet, device: torch.device) -> DeviceWindows:
    """Put a split on a device; on the CPU the tensors share the (memory-mapped) arrays' memory.

    Parameters
    ----------
    windows
        One split.
    device
        Where to put it.

    Returns
    -------
    DeviceWindows
        To be read only: a write would reach the arrays, or fail where they are mapped read-only.
    """
    # DLPack says in its protocol that an array is read-only; `torch.from_numpy` warns of it instead.
    arrays = (windows.events, windows.ends, windows.lengths)
    events_E, ends_W, lengths_W = (from_dlpack(array).to(device) for array in arrays)
    return DeviceWindows(events_E, ends_W, lengths_W)
