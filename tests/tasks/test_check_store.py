"""Room is asked of the disk that the store is on, or will be on."""

import shutil
from pathlib import Path

from tasks.check_store import check_store, free_bytes
from tests.tasks.conftest import TinyRun


def test_room_is_that_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    free = free_bytes(str(tmp_path / "not" / "yet"))
    assert abs(free - shutil.disk_usage(tmp_path).free) < 10**9


def test_what_a_night_publishes_is_whole_to_the_last_byte(tiny_run: TinyRun) -> None:
    checkup = check_store(str(tiny_run.store), deep=True)
    assert checkup.wrong == []
    assert checkup.folders == 3  # a batch of events, a dataset, a run
