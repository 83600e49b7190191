"""Configurations are closed, frozen, and refuse what cannot be meant."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from warehouse import config as module
from warehouse.config import (
    Columns,
    Dataset,
    Diagnosis,
    Extraction,
    Filter,
    Source,
    Split,
    Sweep,
    Synthetic,
    cut_of,
    store_root,
)


@pytest.mark.parametrize("kind", [Columns, Dataset, Diagnosis, Extraction, Source, Split, Sweep, Synthetic])
def test_unknown_fields_and_changes_are_refused(kind: type[module.Closed]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        kind.model_validate({"unknown": 1})
    with pytest.raises(ValidationError, match="frozen"):
        setattr(kind(), next(iter(kind.model_fields)), None)


@pytest.mark.parametrize("kind", [Columns, Dataset, Diagnosis, Extraction, Source, Split, Sweep, Synthetic, Filter])
def test_every_field_is_described(kind: type[module.Closed]) -> None:
    nested = {"columns", "split", "synthetic"}
    fields = {name: field for name, field in kind.model_fields.items() if name not in nested}
    if kind is not Filter:
        assert all(field.description for field in fields.values())
    assert kind.model_validate(kind(**{"column": "a", "operator": "="} if kind is Filter else {}).model_dump())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.9", 0.9),
        ("1e-3", 0.001),
        ("2011-10-01", datetime(2011, 10, 1, tzinfo=UTC)),
        ("2011-10-01T05:00:00+05:00", datetime(2011, 10, 1, tzinfo=UTC)),
    ],
)
def test_a_cut_is_a_share_or_a_date(text: str, expected: object) -> None:
    assert cut_of(text) == expected


@pytest.mark.parametrize("text", ["0", "1", "-0.5", "1.5", "nan", "inf", "2011", "", "soon", "2011-13-01", "90%"])
def test_no_other_cut_is_taken(text: str) -> None:
    with pytest.raises(ValueError, match="neither a share between 0 and 1 nor a date"):
        cut_of(text)
    with pytest.raises(ValidationError):
        Split(train_until=text)


@pytest.mark.parametrize(
    ("first", "second"),
    [("0.9", "0.9"), ("0.95", "0.9"), ("2011-10-01", "2011-10-01"), ("2011-10-01T02:00:00+02:00", "2011-10-01")],
)
def test_cuts_are_in_order(first: str, second: str) -> None:
    """Dates with and without a zone could not be compared, which was a traceback."""
    with pytest.raises(ValidationError, match="must be before validation_until"):
        Split(train_until=first, validation_until=second)


def test_a_share_and_a_date_are_compared_when_the_log_is_there() -> None:
    assert Split(train_until="2011-10-01", validation_until="0.95")


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a/b", "a" * 65, "-a", ".a", "a.b", "a\n"])
def test_names_of_sources(name: str) -> None:
    with pytest.raises(ValidationError):
        Source(name=name)


@pytest.mark.parametrize(
    "values",
    [
        {"min_history": 0}, {"min_history": 11}, {"min_item_count": 0}, {"session_gap_minutes": 0}, {"seed": -1},
        {"session_gap_minutes": float("nan")}, {"train_windows": 0}, {"ties": "best"}, {"unknown_targets": "keep"},
    ],
)  # fmt: skip
def test_bounds(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Dataset.model_validate(values)


def test_the_store_is_where_it_was_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAWTOOTH_STORE", str(tmp_path / "environment"))
    assert store_root(str(tmp_path / "said")) == tmp_path / "said"
    assert store_root() == tmp_path / "environment"
    monkeypatch.delenv("SAWTOOTH_STORE")
    assert store_root() == Path(module.__file__).resolve().parents[1] / "store"
    monkeypatch.setattr(module, "__file__", str(tmp_path / "site-packages" / "warehouse" / "config.py"))
    monkeypatch.chdir(tmp_path)
    assert store_root() == tmp_path / "store"
    assert store_root("~/x") == Path.home().resolve() / "x"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Sweep, {"rates": ()}),
        (Sweep, {"rates": (0.003, 0)}),
        (Sweep, {"rates": (11,)}),
        (Sweep, {"seeds": 0}),
        (Diagnosis, {"workers": 0}),
        (Sweep, {"runner": "dask"}),
        (Sweep, {"arms_run": "tasks", "dask_address": "tcp://10.0.0.5:8786"}),
        (Diagnosis, {"depth": "deep"}),
        (Diagnosis, {"rates": (0.003,)}),
    ],
)
def test_bounds_of_studies(kind: type[module.Arms], values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        kind(**values)


def test_rates_may_be_said_as_a_shell_hands_them_over() -> None:
    assert Sweep.model_validate({"rates": "0.001,3e-3"}).rates == (0.001, 0.003)
