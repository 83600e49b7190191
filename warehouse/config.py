"""What can be asked of the warehouse: closed, frozen, typed. Each field says its unit and its bounds."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import from_json
from pydantic_settings import NoDecode

from warehouse.errors import WarehouseError

Preset = Literal[
    "synthetic",
    "complete_journey",
    "online_retail_ii",
    "movielens_100k",
    "movielens_1m",
    "movielens_ratings",
    "yoochoose_clicks",
    "retailrocket_events",
    "diginetica_views",
    "recbole_inter",
    "custom",
]
TimeKind = Literal["timestamp", "epoch_s", "epoch_ms", "order"]
Format = Literal["parquet", "csv", "jsonl"]
Size = Literal["250k", "500k", "1m", "2m", "5.5m"]

SIZES: dict[Size, tuple[int, int, int]] = {
    "250k": (250_000, 10_000, 10_000),
    "500k": (500_000, 10_000, 10_000),
    "1m": (1_000_000, 100_000, 100_000),
    "2m": (2_000_000, 100_000, 100_000),
    "5.5m": (5_500_000, 1_000_000, 100_000),
}
"""Windows for training, validation and test.

Of one log, cut and seed, the train windows of a size hold those of every smaller one. So do validation and test with
`unknown_targets: miss`; with `drop`, a larger train knows more targets, and their windows may displace others.
"""


def listed(said: object) -> object:
    """Return a list said as text, as a shell hands it over: JSON, or words between commas."""
    if not isinstance(said, str):
        return said
    if said[:1] in {"[", "{"}:
        return from_json(said if said.startswith("[") else f"[{said}]")
    return said.split(",")


class Closed(BaseModel):
    """A configuration that refuses unknown fields and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Filter(Closed):
    """Keep the rows for which this holds. Compared as numbers where both sides are numbers, else as text."""

    column: str = Field(min_length=1, description="A column of the log.")
    operator: Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "present", "missing"]
    value: str = Field("", description="What to compare with; for `in` and `not in`, values split by commas.")


class Columns(Closed):
    """Which column of the log is what. Unset: as the preset says."""

    user: str | None = Field(None, description="Column of the user (or session).")
    item: str | None = Field(None, description="Column of the item.")
    time: str | None = Field(None, description="Column of the time.")
    event_type: str | None = Field(None, description="Column of the event's type, if the log has one.")
    offset_ms: str | None = Field(
        None,
        description="Column of milliseconds to add to the time, for logs that keep a date and an offset.",
    )


class Synthetic(Closed):
    """A seeded log of any size: popularity skew, tastes, successions, repeats, baskets with tied times."""

    events: int = Field(500_000, ge=1_000, le=1_000_000_000, description="Events (1,000 to 1,000,000,000).")
    items: int = Field(5_000, ge=50, le=5_000_000, description="Items (50 to 5,000,000).")
    seed: int = Field(0, ge=0, lt=2**32, description="The same seed gives the same log (at least 0).")


class Source(Closed):
    """A raw log: where it is and how to read it. What is unset is as the preset says."""

    preset: Preset = Field("synthetic", description="A well-known log, or `custom` for your own.")
    path: str | None = Field(None, description="A file, or a glob of many such as `logs/*.parquet`.")
    columns: Columns = Field(Columns(), description="Which column of the log is what.")
    time_kind: Literal["auto", TimeKind] = Field(
        "auto",
        description="auto (as the preset says, else timestamp), timestamp (ISO 8601, UTC unless it says), epoch_s,"
        " epoch_ms, or a plain integer order.",
    )
    filters: Annotated[tuple[Filter, ...] | None, NoDecode, BeforeValidator(listed)] = Field(
        None, description="Keep the rows for which all of these hold."
    )
    synthetic: Synthetic = Field(Synthetic(), title="Synthetic log", description="Only for the preset `synthetic`.")
    name: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        description="Its name in the store (a-z, 0-9, _ and -, at most 64); unset: the preset's.",
    )
    max_rejected: float = Field(0.01, ge=0, le=1, description="Stop if a larger share of the new rows is bad (0 to 1).")
    format: Literal["auto", Format] = Field("auto", description="auto: as the preset says, else by the file's ending.")
    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=4,
        description="Between fields of a text log, such as `::` (1 to 4 characters).",
    )
    header: bool | None = Field(None, description="Whether a text log's first line names its columns.")
    column_names: Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(listed)] = Field(
        None, description="The columns of a text log without header."
    )

    @model_validator(mode="after")
    def _made_or_given(self) -> Self:
        said = self.model_fields_set & {"path", "columns", "time_kind", "filters", "format", "delimiter", "header"}
        idle = sorted(name for name in said if getattr(self, name) != type(self).model_fields[name].default)
        if self.preset == "synthetic" and idle:
            message = f"the preset synthetic makes its own log and has no use for {', '.join(idle)}; choose another"
            raise ValueError(message)
        return self


def cut_of(text: str) -> float | datetime:
    """Return a cut as a share of the log (0 < share < 1) or as a time, UTC.

    Raises
    ------
    ValueError
        If it is neither.
    """
    message = f"{text!r} is neither a share between 0 and 1 nor a date such as 2011-10-01"
    try:
        share = float(text)
    except ValueError:
        try:
            date = datetime.fromisoformat(text)
            return date if date.tzinfo else date.replace(tzinfo=UTC)
        except ValueError:
            raise ValueError(message) from None
    if not 0 < share < 1:
        raise ValueError(message)
    return share


class Split(Closed):
    """How windows are divided. A window belongs to its target's time; its history may reach back."""

    kind: Literal["temporal", "leave_one_out"] = Field(
        "temporal",
        description="By time, or each user's last event for test and the one before for validation.",
    )
    train_until: str = Field(
        "0.9",
        description="T1: a share of the log's events in time order (0 to 1), or a date such as 2011-10-01.",
    )
    validation_until: str = Field("0.95", description="T2: likewise; test is what comes from T2 on.")

    @field_validator("train_until", "validation_until")
    @classmethod
    def _is_share_or_date(cls, text: str) -> str:
        cut_of(text)
        return text

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        first, second = cut_of(self.train_until), cut_of(self.validation_until)
        if (isinstance(first, float) and isinstance(second, float) and first >= second) or (
            isinstance(first, datetime) and isinstance(second, datetime) and first >= second
        ):
            message = f"train_until ({self.train_until}) must be before validation_until ({self.validation_until})"
            raise ValueError(message)
        return self


class Dataset(Closed):
    """Which windows to cut from a log."""

    min_history: int = Field(1, ge=1, le=10, description="Fewest items before a target (1 to 10).")
    min_item_count: int | None = Field(
        None,
        ge=1,
        description="Drop items with fewer events before T1, for leave_one_out in all (at least 1);"
        " unset: as the preset says, else 1.",
    )
    min_user_events: int = Field(2, ge=1, description="Drop users with fewer events in the whole log (at least 1).")
    collapse_repeats: bool = Field(False, description="Count consecutive events of one item as one.")
    session_gap_minutes: float | None = Field(
        None, gt=0, description="A longer pause starts a new history (minutes, above 0); unset: never."
    )
    ties: Literal["auto", "source", "hash"] = Field(
        "auto",
        description="Events of a user at the same time: in the source's order, in a hashed one, or as a test of the "
        "tied rows for sorting by item decides.",
    )
    split: Split = Split()
    unknown_targets: Literal["drop", "miss"] = Field(
        "drop", description="Validation and test targets never seen in train: left out, or kept as misses."
    )
    train_windows: int | None = Field(None, ge=1, description="Instead of the size's (at least 1).")
    validation_windows: int | None = Field(None, ge=1, description="Instead of the size's (at least 1).")
    test_windows: int | None = Field(None, ge=1, description="Instead of the size's (at least 1).")
    allow_fewer: bool = Field(False, description="Take what there is when the log holds fewer windows than asked.")
    seed: int = Field(0, ge=0, lt=2**63, description="Which windows are drawn (at least 0).")


class Extraction(Closed):
    """What extraction may use. Not part of the question, so not part of the dataset's id."""

    memory_mb: int = Field(
        2_000,
        ge=512,
        description="Memory of extraction, with Python and the arrays; DuckDB has all but 400 of it and spills to disk"
        " beyond (MB, at least 512).",
    )
    threads: int | None = Field(None, ge=1, le=1024, description="CPU threads (1 to 1024); unset: one a core.")


class Arms(Closed):
    """How the arms of a study are run. Only the seeds are part of the question."""

    seeds: int = Field(
        3, ge=1, le=100, description="Seeds (1 to 100): in a diagnosis of the base and of the orders at both rates."
    )
    workers: int | None = Field(
        None, ge=1, le=1024, description="Arms at once (1 to 1024); unset: one a core, on a GPU one."
    )
    arms_run: Literal["here", "tasks", "deployments"] = Field(
        "here",
        description="Each arm as a process here, a task of the study's flow run, or a run of the deployment nightly/arm"
        " (any worker on its pool takes the next); all must share the store's folder.",
    )
    runner: Literal["threads", "dask"] = Field(
        "threads", description="What takes arms that are tasks: threads of the flow run, or Dask (the extra `dask`)."
    )
    dask_address: str | None = Field(
        None, description="A Dask scheduler, as in tcp://10.0.0.5:8786; unset: a cluster here, one process a worker."
    )

    @model_validator(mode="after")
    def _runner_is_used(self) -> Self:
        if (self.dask_address and self.runner != "dask") or (self.runner == "dask" and self.arms_run != "tasks"):
            message = "dask_address is for runner dask, and runner dask for arms_run tasks: say all that is meant"
            raise ValueError(message)
        return self


class Diagnosis(Arms):
    """Which arms a diagnosis has, and how they are run."""

    depth: Literal["quick", "main", "full"] = Field(
        "quick",
        description="quick: three arms that part the causes, only the base repeated; main: rates and main remedies; "
        "full: every remedy.",
    )
    only: Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed)] = Field(
        (), description="Names of arms to run beside the base, whatever the depth; unset: those of the depth."
    )
    remedy_seeds: int = Field(1, ge=1, le=100, description="Seeds of the other arms (1 to 100).")


Rate = Annotated[float, Field(gt=0, le=10)]


class Sweep(Arms):
    """Which learning rates a sweep has, and how they are run."""

    rates: Annotated[tuple[Rate, ...], NoDecode, BeforeValidator(listed)] = Field(
        (3e-4, 1e-3, 3e-3, 1e-2),
        min_length=1,
        description="Learning rates (each above 0, at most 10); the base's own is added.",
    )


def store_root(said: str | None = None) -> Path:
    """Return the store's folder: the one said, else SAWTOOTH_STORE, else `store/` in the project.

    Where the packages are installed without the project around them, the last is `store/` in the current folder.

    Raises
    ------
    WarehouseError
        If it is no path.
    """
    project = Path(__file__).resolve().parents[1]
    home = project if (project / "pyproject.toml").is_file() else Path.cwd()
    root = Path(said or os.environ.get("SAWTOOTH_STORE") or home / "store")
    try:
        return root.expanduser().resolve()
    except (RuntimeError, ValueError, OSError) as error:
        message = f"{str(root)[:200]!r} is no folder for a store: {error}"
        raise WarehouseError(message) from error
