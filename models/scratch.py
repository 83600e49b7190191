"""Memory that is used again at every step: fresh pages from the system cost a seventh of a step."""

import torch
from torch import Tensor


class Scratch:
    """Named tensors that keep their memory and grow where more is asked for."""

    def __init__(self) -> None:
        self._flat: dict[tuple[str, torch.dtype], Tensor] = {}

    def take(self, name: str, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return a contiguous tensor on the CPU that holds whatever was left in it.

        Parameters
        ----------
        name
            The same name (and type) is the same memory.
        *shape
            Its shape.
        dtype
            Its type.

        Returns
        -------
        torch.Tensor
            Valid until the name is asked for again.
        """
        size = 1
        for length in shape:
            size *= length
        flat = self._flat.get((name, dtype))
        if flat is None or len(flat) < size:
            self._flat.pop((name, dtype), None)  # before more is asked for
            with torch.inference_mode(mode=False):  # or a step could not write into what an evaluation made
                flat = self._flat[name, dtype] = torch.empty(size, dtype=dtype)
        return flat[:size].view(shape)
