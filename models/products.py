"""Matrix products of a step, in float32 or rounded to bfloat16; what is added up afterwards is float32 in both.

Legend: M rows, K summed over, N columns.
"""

from typing import Protocol

import torch
from torch import Tensor


class Products(Protocol):
    """Makes products of two-dimensional tensors on the CPU."""

    def ready(self, factor: Tensor) -> Tensor:
        """Round a factor that is used more than once, so that it is not rounded each time.

        Parameters
        ----------
        factor
            Float32.
        """

    def into(self, out_MN: Tensor, left_MK: Tensor, right_KN: Tensor) -> None:
        """Overwrite a float32 tensor with a product.

        Parameters
        ----------
        out_MN
            Contiguous.
        left_MK, right_KN
            Float32, or from `ready`.
        """

    def onto(self, out_MN: Tensor, left_MK: Tensor, right_KN: Tensor) -> None:
        """Add a product to a float32 tensor.

        Parameters
        ----------
        out_MN
            Contiguous.
        left_MK, right_KN
            Float32, or from `ready`.
        """


class Float32Products:
    """The library's own."""

    def ready(self, factor: Tensor) -> Tensor:
        """As `Products.ready`: it is."""
        return factor

    def into(self, out_MN: Tensor, left_MK: Tensor, right_KN: Tensor) -> None:
        """As `Products.into`."""
        torch.mm(left_MK, right_KN, out=out_MN)

    def onto(self, out_MN: Tensor, left_MK: Tensor, right_KN: Tensor) -> None:
        """As `Products.onto`."""
        out_MN.addmm_(left_MK, right_KN)


class Bfloat16Products:
    """Factors and result with 8 bits of precision, sums inside the product in float32."""

    def ready(self, factor: Tensor) -> Tensor:
        """As `Products.ready`."""
        return factor.bfloat16()

    def into(self, out_MN: Tensor, left_MK: Tensor, right_KN: Tensor) -> None:
        """As `Products.into`."""
        out_MN.copy_(torch.mm(left_MK.bfloat16(), right_KN.bfloat16()))

    def onto(self, out_MN: Tensor, left_MK: Tensor, right_KN: Tensor) -> None:
        """As `Products.onto`."""
        out_MN.add_(torch.mm(left_MK.bfloat16(), right_KN.bfloat16()))
