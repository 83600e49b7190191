"""Names stay in the store, what is visible is whole, and what the system refuses is said in a sentence."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import WarehouseError
from warehouse.store import (
    Store,
    checked,
    fresh,
    partial_of,
    publish,
    read_json,
    replaced,
    store_at,
    told_plainly,
    write_json,
)

PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789._-"


@given(
    st.one_of(st.text(max_size=100), st.text(PLAIN + "/\\ \n", max_size=100), st.sampled_from(["..", ".", "", "a\n"]))
)
def test_names_cannot_leave_the_folder(name: str) -> None:
    root = Path("/the/store")
    store = Store(root)
    made = (store.events, store.dataset, store.run, lambda given: store.work("runs", given))
    if not set(name) <= set(PLAIN) or name[:1] in {"", ".", "_", "-"} or ".." in name or len(name) > 80:
        for make in made:
            with pytest.raises(WarehouseError, match="is not a name in the store"):
                make(name)
        return
    paths = [make(name) for make in made]
    assert [path.name for path in paths] == [name] * 4
    assert all(Path(os.path.normpath(path)) == path for path in paths)


@pytest.mark.parametrize("name", ["..", "a/b", "/a", ".hidden", "-a", "A", "a\n", "ü", "", "a..b", "a" * 81, "a\0b"])
def test_names_that_could_are_refused(name: str) -> None:
    with pytest.raises(WarehouseError):
        checked(name)


@pytest.mark.parametrize("name", ["a", "0", "a.b-c_d", "a" * 80])
def test_names_that_cannot_are_taken(name: str) -> None:
    assert checked(name) == name


def test_where_things_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_at(str(tmp_path)).root == tmp_path
    monkeypatch.setenv("SAWTOOTH_STORE", str(tmp_path / "other"))
    assert store_at(None).root == tmp_path / "other"
    assert store_at(None).work("runs", "x") == tmp_path / "other" / "work" / "runs" / "x"


# Publishing


def test_what_is_published_is_whole_and_synced_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, final = fresh(tmp_path / "work" / "x"), tmp_path / "final" / "x"
    (work / "deep").mkdir()
    for name in ("a", "deep/b"):
        (work / name).write_text(name)
    synced: list[tuple[str, bool]] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append((_path_of(handle), final.exists())))
    publish(work, final)
    before = [path for path, seen in synced if not seen]
    assert sorted(before) == sorted(str(path) for path in (work, work / "a", work / "deep", work / "deep" / "b"))
    assert synced[-1] == (str(final.parent), True)
    assert sorted(path.name for path in final.rglob("*")) == ["a", "b", "deep"]
    assert not work.exists()


def _path_of(handle: int) -> str:
    return str(Path(f"/proc/self/fd/{handle}").readlink())


def test_whoever_published_first_stays(tmp_path: Path) -> None:
    for content in ("first", "second"):
        work = fresh(tmp_path / "work")
        (work / "a").write_text(content)
        publish(work, tmp_path / "final")
    assert (tmp_path / "final" / "a").read_text() == "first"
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.rename"])
def test_a_publishing_that_fails_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    work = fresh(tmp_path / "work")
    (work / "a").write_text("a")
    with monkeypatch.context() as patch:
        patch.setattr(place, _refuse(errno.ENOSPC))
        with pytest.raises(WarehouseError, match=r"no space left on device; free space or choose another folder"):
            publish(work, tmp_path / "final")
    assert not (tmp_path / "final").exists()
    publish(work, tmp_path / "final")


def _refuse(number: int) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number), "somewhere")

    return refuse


def test_fresh_empties_what_a_crash_left(tmp_path: Path) -> None:
    (tmp_path / "x" / "deep").mkdir(parents=True)
    (tmp_path / "x" / "deep" / "left").write_text("left")
    assert list(fresh(tmp_path / "x").iterdir()) == []


# JSON


def test_json_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"ü": [1, None], "at": Path("x")})
    assert read_json(path) == {"ü": [1, None], "at": "x"}
    write_json(path, {"new": 1})
    assert read_json(path) == {"new": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.replace", "json.dump"])
def test_json_that_fails_leaves_the_old_and_nothing_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    with monkeypatch.context() as patch:
        patch.setattr(place, _refuse(errno.ENOSPC))
        with pytest.raises(WarehouseError, match="no space left on device"):
            write_json(path, {"new": 1})
    assert read_json(path) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff", b"[" * 100_000])
def test_damaged_json_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(WarehouseError, match=r"a\.json is damaged \(.*\); remove its folder and ask again"):
        read_json(tmp_path / "a.json")


def test_missing_json_is_said(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"a\.json is not in the store"):
        read_json(tmp_path / "a.json")


# What the system refuses


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "x", "file"), "file: no space left on device; free space or choose"),
        (OSError(errno.EROFS, "x"), "here: read-only file system; free space or choose another folder with --store"),
        (PermissionError(errno.EACCES, "x", "f"), "f: permission denied"),
        (OSError("strange"), "here: not written whole .strange."),
    ],
)
def test_refusals_become_sentences(error: OSError, message: str) -> None:
    with pytest.raises(WarehouseError, match=message), told_plainly(Path("here")):
        raise error


def test_a_store_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    store = Store(tmp_path / "store")
    with (
        pytest.raises(WarehouseError, match="free space or choose another folder with --store"),
        store.lock("a", "b", print),
    ):
        pass
    with pytest.raises(WarehouseError, match="not a directory"):
        fresh(store.work("a", "b"))


def test_a_lock_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filelock.FileLock.acquire", _refuse(errno.EROFS))
    with pytest.raises(WarehouseError, match="read-only file system"), Store(tmp_path).lock("a", "b", print):
        pass


LIMITED = """
import resource, sys
from pathlib import Path
from warehouse.config import Extraction, Source, Columns
from warehouse.errors import WarehouseError
from warehouse.ingest import ingest
from warehouse.sources import resolve
from warehouse.store import Store
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
folder = Path(sys.argv[1])
columns = Columns(user="user", item="item", time="at")
log = resolve(Source(preset="custom", path=str(folder / "log.csv"), columns=columns, time_kind="order"))
try:
    ingest(Store(folder / "store"), log, Extraction(memory_mb=512, threads=1), print)
except WarehouseError as error:
    print("refused:", error)
"""


@pytest.mark.parametrize("limit", [0, 100, 50_000])
def test_a_disk_that_takes_no_more_is_said_and_leaves_nothing(house: Any, limit: int) -> None:
    rows = "".join(f"u{at},i{at * 7919 % 100_003},{at}\n" for at in range(50_000))
    house.write("log.csv", "user,item,at\n" + rows)
    command = [sys.executable, "-c", LIMITED, str(house.folder), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused: ")
    assert len(done.stdout.splitlines()) == 1
    assert house.tree() == {}


# Locks


def test_a_lock_says_that_it_waits(tmp_path: Path) -> None:
    store, told, order = Store(tmp_path), [], []
    waits, may_end = threading.Event(), threading.Event()

    def tell(line: str) -> None:
        told.append(line)
        waits.set()

    def first() -> None:
        with store.lock("events", "a", order.append):
            held.set()
            may_end.wait(10)
            order.append("first")

    def second() -> None:
        with store.lock("events", "a", tell):
            order.append("second")

    held = threading.Event()
    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert held.wait(10)
    threads[1].start()
    assert waits.wait(10)
    assert order == []
    with store.lock("events", "b", tell):
        may_end.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]
    assert told == ["events a is being made by another process; waiting for it"]


HOLD = """
import sys
from pathlib import Path
from warehouse.store import Store
with Store(Path(sys.argv[1])).lock("runs", "a", print):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        told: list[str] = []
        killer = threading.Timer(0.2, process.kill)
        killer.start()
        with Store(tmp_path).lock("runs", "a", told.append):
            killer.join()
        assert told == ["runs a is being made by another process; waiting for it"]


def test_manifests_are_json_for_others(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
    assert (tmp_path / "a.json").read_text().endswith("}\n")


def test_what_a_killed_process_left_half_written_goes_and_what_is_being_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    mark = partial_of(path).name.removesuffix(str(os.getpid()))
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left, alive = (tmp_path / f"{mark}{number}" for number in (int(ended.stdout), os.getppid()))
    elsewhere = tmp_path / ".lists.parquet.another-machine.1"
    for each in (left, alive, elsewhere):
        each.write_text("half")
    with replaced(path) as partial:
        assert not left.exists()
        partial.write_text("whole")
    assert {each.name for each in tmp_path.iterdir()} == {path.name, alive.name, elsewhere.name}
    assert path.read_text() == "whole"
