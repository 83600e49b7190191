"""Between two datasets: the same item has another code in each."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from warehouse.snapshot import Snapshot


def codes_in(own: Snapshot, other: Snapshot) -> NDArray[np.int32]:
    """Return the other dataset's code of each of one's own codes.

    Parameters
    ----------
    own
        The dataset that codes come from.
    other
        The one that they are to be said in.

    Returns
    -------
    numpy.ndarray
        (V + 1,) int32; 0 at place 0 and for items that the other does not know.
    """
    places = pc.index_in(_items(own), value_set=_items(other))
    codes = pc.fill_null(pc.add(places, 1), 0).to_numpy(zero_copy_only=False)
    return np.concatenate([np.zeros(1, np.int32), codes.astype(np.int32)])


def _items(snapshot: Snapshot) -> pa.Array:
    return pq.read_table(snapshot.folder / "items.parquet").column("item").combine_chunks()
