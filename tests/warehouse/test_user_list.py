"""Lists of users, good and bad."""

import pytest

from warehouse import user_list
from warehouse.errors import WarehouseError
from warehouse.user_list import users_listed


def test_a_user_a_line_some_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(user_list, "_LINES_A_PART", 2)
    path = tmp_path / "users.txt"
    path.write_bytes("\ufeffanna\r\n\r\n \nbo b\nüç\n42".encode())
    assert list(users_listed(path)) == [["anna", "bo b"], ["üç", "42"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a\n" + b"x" * 10_001 + b"\n", r"line 2 is longer than 10,000 characters"),
        (b"\xff\xfe\x00\n", "is not UTF-8 text"),
        (b"\n \n", "names no user"),
        (b"", "names no user"),
    ],
)
def test_what_is_no_list_is_said(tmp_path, content, said):
    path = tmp_path / "users.txt"
    path.write_bytes(content)
    with pytest.raises(WarehouseError, match=said):
        list(users_listed(path))


def test_a_missing_file_or_a_folder_is_said(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(WarehouseError, match=r"cannot be read .*; check --users"):
            list(users_listed(path))
