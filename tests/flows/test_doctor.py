"""The doctor names what is wrong, says what to do, and its exit code tells."""

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import doctor
from flows.command_line import main
from flows.doctor import Examination, examine, store_findings, versions
from flows.doctor_server import Finding, well, wrong


def test_this_environment_is_within_its_caps() -> None:
    finding = versions("sawtooth")
    assert finding.state == "well", finding.found


@pytest.mark.parametrize(
    ("required", "said"),
    [
        (["pytest<1"], f"pytest is {version('pytest')}, wanted <1"),
        (["no-such-package>=1"], "no-such-package is not installed"),
        (["pytest>=1", "no-such-package; extra == 'dev'"], "1 packages within their caps"),
        (["sqlalchemy[asyncio]>=2.0,<2.1"], "1 packages within their caps"),
    ],
)
def test_a_version_beyond_its_cap_is_named(monkeypatch: pytest.MonkeyPatch, required: list[str], said: str) -> None:
    monkeypatch.setattr(doctor, "requires", lambda _name: required)
    assert versions("sawtooth").found == said


def test_no_server_is_one_finding_and_the_rest_is_looked_at(
    tmp_path: Path, free_ports: Callable[[int], list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    [port] = free_ports(1)
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}):
        assert main(["doctor", "--store", str(tmp_path / "store"), "--format", "json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {each["check"]: each["state"] for each in findings} == {
        "versions": "well", "server": "wrong", "disk": "well", "store": "well",
    }  # fmt: skip
    [server] = [each for each in findings if each["check"] == "server"]
    assert f"nobody answers at http://127.0.0.1:{port}/api" in server["found"]
    assert "make serve" in server["to_do"]
    assert not (tmp_path / "store").exists()


def test_little_room_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "free_bytes", lambda _store: 10**9)
    disk = next(store_findings(str(tmp_path), deep=False))
    assert (disk.state, disk.found) == ("wrong", f"1.0 GB free under {tmp_path}")


def test_damaged_files_are_named_and_many_are_counted(tmp_path: Path) -> None:
    for n in range(doctor.SHOWN + 2):
        (tmp_path / "runs" / f"r{n}").mkdir(parents=True)
    [_, store] = store_findings(str(tmp_path), deep=False)
    assert store.state == "wrong"
    assert f"{tmp_path}/runs/r0/DONE is not in the store" in store.found
    assert store.found.endswith("and 2 more")


def test_all_well_is_exit_code_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "server_findings", lambda _port: [well("server", "[up]")])
    assert main(["doctor", "--store", str(tmp_path)]) == 0
    assert "[up]" in capsys.readouterr().out
    assert examine(4200, str(tmp_path), deep=False).is_well


def test_a_long_path_is_shown_whole() -> None:
    path = "/".join(["a-long-name"] * 30)
    findings: list[Finding] = [wrong("store", path, "remove it")]
    table = str(Examination(findings=findings))
    assert "…" not in table
    assert sum(line.count("a-long-name") for line in table.splitlines()) > 20
