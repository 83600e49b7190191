"""Items keep their identity where their codes change."""

import numpy as np

from warehouse.snapshot import open_snapshot
from warehouse.vocabulary import codes_in


def test_codes_follow_the_items_and_strangers_are_zero(new_house, small_rows):
    early = new_house()
    later = new_house()
    old = open_snapshot(early.store.dataset(early.build(early.ingest_rows(small_rows)).dataset_id))
    renamed = [(user, {"i03": "a-new-one", "i05": "i50"}.get(item, item), at) for user, item, at in small_rows]
    new = open_snapshot(later.store.dataset(later.build(later.ingest_rows(renamed)).dataset_id))
    codes = codes_in(new, old)
    assert codes.dtype == np.int32
    assert codes[0] == 0
    names = [None, *old.item_ids()]
    found = {item: names[code] for item, code in zip(new.item_ids(), codes[1:], strict=True)}
    assert found == {item: item if item in old.item_ids() else None for item in new.item_ids()}
    assert found["a-new-one"] is None
    assert found["i50"] is None
    assert not np.array_equal(codes, np.arange(len(codes)))  # else the test would not see a code taken for another
