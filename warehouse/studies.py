"""Studies: the runs that were compared and what was concluded, published whole, found again by what was asked.

A study's folder holds study.json (what was asked, arms with their runs, the command), verdict.json, arms.parquet (one
row an arm), figures, report.html and DONE, which lists the SHA-256 of every other file.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.fingerprint import digest_of
from warehouse.runs import is_whole, sealed
from warehouse.store import Store, fresh, publish, read_json, told_plainly, write_json

ESTIMATES = ("slope_within", "explained", "explained_jump", "validation_dip", "validation_loss_dip", "difference")
"""Parts of an outcome that are a number with its interval."""
SAWTOOTHS = ("train_loss", "train_hr", "probe_loss", "probe_hr", "validation_loss", "validation_hr")
"""Curves whose jump at the boundary between epochs an outcome may hold."""
_PLAIN = {
    "name": pa.string(), "kind": pa.string(), "asks": pa.string(), "status": pa.string(),
    "run_ids": pa.list_(pa.string()), "seeds": pa.list_(pa.int64()), "removes_picture": pa.string(),
    "removes_problem": pa.string(), "best_validation_hr": pa.float64(), "best_validation_epoch": pa.float64(),
    "best_at_epoch_ends_hr": pa.float64(), "probe_loss": pa.float64(), "clipped_share": pa.float64(),
}  # fmt: skip
ARM_COLUMNS: dict[str, pa.DataType] = {
    "study_id": pa.string(),
    "place": pa.int64(),
    **_PLAIN,
    **{
        f"{name}{end}": pa.float64()
        for name in (*ESTIMATES, *(f"{curve}_sawtooth" for curve in SAWTOOTHS))
        for end in ("", "_low", "_high")
    },
    **{f"{curve}_matched": pa.float64() for curve in SAWTOOTHS},
}
"""Columns of arms.parquet. Grain: an arm of a study, the base at place 0."""


def study_id_of(kind: str, dataset_id: str, base: Mapping[str, Any], run_ids: Mapping[str, Any], code: str) -> str:
    """Return the id of the study that concludes from these runs, by arm, with this code."""
    return digest_of({"kind": kind, "dataset": dataset_id, "base": base, "runs": run_ids, "code": code})


def concluded(store: Store, study_id: str) -> bool:
    """Return whether a study is in the store, whole.

    Raises
    ------
    WarehouseError
        If it is there but one of its files is missing or altered; it is named.
    """
    return is_whole(store.study(study_id), "the study is not used", "to conclude it anew")


def publish_study(
    store: Store, facts: Mapping[str, Any], verdict: Mapping[str, Any], page: str, figures: Mapping[str, bytes]
) -> Path:
    """Write a study and make it visible. Returns its folder.

    Parameters
    ----------
    store
        Where.
    facts
        What study.json says; its `study_id` names the folder.
    verdict
        What verdict.json says, with its `arms`.
    page
        The report.
    figures
        PNGs by name.
    """
    study_id = str(facts["study_id"])
    work = fresh(store.work("studies", study_id))
    write_json(work / "study.json", facts)
    write_json(work / "verdict.json", verdict)
    with told_plainly(work):
        pq.write_table(arm_table(study_id, verdict["arms"]), work / "arms.parquet", compression="zstd")
        (work / "figures").mkdir()
        for name, png in figures.items():
            (work / "figures" / f"{name}.png").write_bytes(png)
        (work / "report.html").write_text(page, encoding="utf-8")
    sealed(work)
    publish(work, store.study(study_id))
    return store.study(study_id)


def study_facts(store: Store, study_id: str) -> dict[str, Any]:
    """Return what is known of a finished study."""
    return read_json(store.study(study_id) / "study.json")


def study_verdict(store: Store, study_id: str) -> dict[str, Any]:
    """Return a finished study's verdict."""
    return read_json(store.study(study_id) / "verdict.json")


def arm_table(study_id: str, arms: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return outcomes as a table, one row an arm."""
    rows = [{"study_id": study_id, "place": place, **dict(_flat(arm))} for place, arm in enumerate(arms)]
    return pa.Table.from_pylist(rows, schema=pa.schema(list(ARM_COLUMNS.items())))


def sawtooth_of(arm: Mapping[str, Any], curve: str, part: str = "sawtooth") -> Mapping[str, Any] | None:
    """Return the sawtooth of one of an outcome's curves, if it has one."""
    return next((one for one in arm[part] if one["curve"] == curve), None)


def _flat(arm: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((name, arm[name]) for name in _PLAIN)
    for name in ESTIMATES:
        said = arm.get(name) or {}
        yield from [(name, said.get("value")), (f"{name}_low", said.get("low")), (f"{name}_high", said.get("high"))]
    for curve in SAWTOOTHS:
        name, said = f"{curve}_sawtooth", sawtooth_of(arm, curve) or {}
        yield from [(name, said.get("excess")), (f"{name}_low", said.get("low")), (f"{name}_high", said.get("high"))]
        yield f"{curve}_matched", (sawtooth_of(arm, curve, "at_matched_progress") or {}).get("excess")
