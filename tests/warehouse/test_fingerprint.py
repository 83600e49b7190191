"""Names that tell the truth."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import WarehouseError
from warehouse.fingerprint import code_digest, digest_of, reached_from, sha256_of


def test_a_files_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1_000_000)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc" * 1_000_000).hexdigest()
    with pytest.raises(WarehouseError, match="no such file"):
        sha256_of(tmp_path / "b")


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.none())))
def test_a_question_is_the_same_in_any_order(question: dict[str, object]) -> None:
    assert digest_of(question) == digest_of(dict(reversed(question.items())))
    assert len(digest_of(question)) == 16
    assert digest_of(question) != digest_of({**question, "one more": 1.5})


def test_the_digest_is_stable_over_versions() -> None:
    """A change of this value makes every stored dataset and run a stranger."""
    assert digest_of({"b": [1, "ü"], "a": None}) == hashlib.sha256(b'{"a":null,"b":[1,"\\u00fc"]}').hexdigest()[:16]


def test_code_is_known_by_its_content(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(name)
    files = [tmp_path / "a.py", tmp_path / "b.py"]
    before = code_digest(files)
    assert code_digest(reversed(files)) == before
    (tmp_path / "b.py").write_text("changed")
    assert code_digest(files) != before


def test_code_is_what_a_module_reaches_in_its_package(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / "start.py").write_text("import os\nfrom room.near import x\n")
    (room / "near.py").write_text("def f():\n    from room.far import y\n    from other.apart import z\n")
    (room / "far.py").write_text("import room.start\n")
    (room / "apart.py").write_text("")
    assert [path.name for path in reached_from(room / "start.py")] == ["far.py", "near.py", "start.py"]
