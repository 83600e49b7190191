"""Which files a source means and how they are to be read: a preset's data under what the user set."""

import os
import tomllib
from importlib import import_module, resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from warehouse.config import Closed, Columns, Filter, Format, Source, TimeKind
from warehouse.errors import WarehouseError
from warehouse.fingerprint import digest_of

_BY_ENDING: dict[str, tuple[Format, str | None]] = {
    ".parquet": ("parquet", None),
    ".csv": ("csv", ","),
    ".tsv": ("csv", "\t"),
    ".jsonl": ("jsonl", None),
    ".ndjson": ("jsonl", None),
}


class PresetFile(Closed):
    """What a preset's TOML file may say."""

    title: str
    where: str
    package: str | None = None
    resource: str | None = None
    format: Format | None = None
    delimiter: str | None = None
    header: bool | None = None
    column_names: tuple[str, ...] | None = None
    columns: Columns = Columns()
    time_kind: TimeKind = "timestamp"
    filters: tuple[Filter, ...] = ()
    min_item_count: int = 1


class Log(Closed):
    """A source with nothing left open but its files' content."""

    name: str
    title: str
    path: str
    format: Format | None
    delimiter: str | None
    header: bool
    column_names: tuple[str, ...] | None
    user: str
    item: str
    time: str
    event_type: str | None
    offset_ms: str | None
    time_kind: TimeKind
    filters: tuple[Filter, ...]
    max_rejected: float
    min_item_count: int

    def reading(self) -> str:
        """Return a digest of everything that decides how a file is read."""
        apart = {"name", "title", "path", "max_rejected", "min_item_count"}
        return digest_of(self.model_dump(mode="json", exclude=apart))


def preset_of(name: str) -> PresetFile:
    """Return a preset's data."""
    content = resources.files("warehouse.presets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return PresetFile.model_validate(tomllib.loads(content))


def resolve(source: Source) -> Log:
    """Fill what the user left open from the preset.

    Raises
    ------
    WarehouseError
        If no file or column is named by either.
    """
    preset = preset_of(source.preset)
    columns = {**preset.columns.model_dump(), **source.columns.model_dump(exclude_none=True)}
    _refuse_unnamed(source, columns)
    try:
        return Log(
            name=source.name or default_name(source),
            title=preset.title,
            path=source.path or _packaged(source, preset),
            format=preset.format if source.format == "auto" else source.format,
            delimiter=source.delimiter or preset.delimiter,
            header=_first(source.header, preset.header, True),
            column_names=source.column_names or preset.column_names,
            time_kind=preset.time_kind if source.time_kind == "auto" else source.time_kind,
            filters=_first(source.filters, preset.filters),
            max_rejected=source.max_rejected,
            min_item_count=preset.min_item_count,
            **columns,
        )
    except ValidationError as error:
        message = f"source {source.preset!r}: {error.errors()[0]['msg']}"
        raise WarehouseError(message) from error


def default_name(source: Source) -> str:
    """Return a source's name in the store where the user gave none: two logs must not share one.

    Synthetic logs differ by their settings, others by where they are.
    """
    if source.preset == "synthetic":
        made = source.synthetic
        return f"synthetic-{made.events}-{made.items}-{made.seed}"
    if source.path is None:
        return source.preset
    return f"{source.preset}-{digest_of(os.path.abspath(source.path))[:6]}"  # noqa: PTH100 (a glob is no path)


def files_of(log: Log) -> list[Path]:
    """Return the source's files, sorted by path.

    Raises
    ------
    WarehouseError
        If there is none, or one of them is empty.
    """
    try:
        found = _found(Path(log.path).expanduser())
    except (OSError, ValueError, RuntimeError) as error:
        message = f"{log.path[:200]!r} is no path of files: {error.args[-1]}; check --source.path"
        raise WarehouseError(message) from error
    if not found:
        message = f"{log.path}: no such file; check --source.path"
        raise WarehouseError(message)
    for path in found:
        if path.stat().st_size == 0:
            message = f"{path} is empty"
            raise WarehouseError(message)
    return found


def _found(given: Path) -> list[Path]:
    """Return the file itself, or those that match the glob, sorted."""
    if given.is_file():
        return [given.resolve()]
    if given.is_dir():
        message = f"{given} is a folder; say which files, such as {given}/*.parquet"
        raise WarehouseError(message)
    start = Path(given.anchor) if given.is_absolute() else Path()
    return sorted(path.resolve() for path in start.glob(str(given.relative_to(start))) if path.is_file())


def format_of(path: Path, log: Log) -> tuple[Format, str | None]:
    """Return a file's format and delimiter: as the source says, else by its ending (.gz set aside).

    Raises
    ------
    WarehouseError
        If neither tells.
    """
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    by_ending = _BY_ENDING.get(ending)
    if log.format is not None:
        usual = by_ending[1] if by_ending and by_ending[0] == log.format else None
        return log.format, log.delimiter or usual
    if by_ending is None:
        message = f"{path}: cannot tell its format by the ending; give --source.format parquet, csv or jsonl"
        raise WarehouseError(message)
    return by_ending[0], log.delimiter or by_ending[1]


def _packaged(source: Source, preset: PresetFile) -> str:
    if preset.package is None or preset.resource is None:
        message = f"source {source.preset!r} needs --source.path; {preset.where}"
        raise WarehouseError(message)
    try:
        import_module(preset.package)
    except ImportError:
        message = f"source {source.preset!r} is not installed: {preset.where}"
        raise WarehouseError(message) from None
    return str(resources.files(preset.package).joinpath(preset.resource))


def _refuse_unnamed(source: Source, columns: dict[str, Any]) -> None:
    missing = [f"--source.columns.{name}" for name in ("user", "item", "time") if not columns[name]]
    if missing:
        message = f"source {source.preset!r} does not say which columns are what: give {', '.join(missing)}"
        raise WarehouseError(message)


def _first(*options: Any) -> Any:
    return next((option for option in options if option is not None), None)
