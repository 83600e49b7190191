"""Tables of curves, a row a moment or a row a value, turned tidy: one row per value."""

from pathlib import Path

import polars as pl

from warehouse.curve_limits import refuse_long
from warehouse.curve_names import CurveColumns, place_of

_NUMERIC_FROM = 0.9
"""Share of a text column's filled cells that must be numbers."""

TIDY = pl.Schema({"run": pl.String, "step": pl.Int64, "epoch": pl.Float64, "name": pl.String, "value": pl.Float64})


def tidied(path: Path, table: pl.DataFrame, columns: CurveColumns) -> pl.DataFrame:
    """Return a table, wide or long, as values of the schema TIDY, in their order.

    Raises
    ------
    WarehouseError
        If a column that was said is not there, or there are too many values.
    """
    names = table.columns
    name, value = place_of("name", names, columns.name), place_of("value", names, columns.value)
    step, epoch = place_of("step", names, columns.step), place_of("epoch", names, columns.epoch)
    run = place_of("run", names, columns.run)
    places = table.select(
        run=pl.col(run).cast(pl.String).fill_null("") if run else pl.lit(""),
        step=_numbers(table[step]).round().cast(pl.Int64, strict=False) if step else pl.int_range(1, pl.len() + 1),
        epoch=_numbers(table[epoch]) if epoch else pl.lit(None, pl.Float64),
    )
    if name is not None and value is not None and table[name].dtype == pl.String:
        estimator = next((each for each in names if each.lower() == "estimator"), None)
        label = pl.concat_str(estimator, name, separator="/") if estimator else pl.col(name)
        long = places.hstack(table.select(name=label, value=_numbers(table[value])))
        long = long.filter(pl.col("value").is_not_null() & pl.col("name").is_not_null())
        if step is None:
            long = long.with_columns(step=pl.int_range(1, pl.len() + 1).over("run", "name"))
        return long.cast(TIDY)
    others = [each for each in names if each not in {step, epoch, run}]
    return _wide(path, table, places, others)


def _wide(path: Path, table: pl.DataFrame, places: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    parts, n_values = [], 0
    for column in names:
        if column.endswith(("__MIN", "__MAX")):  # the band that W&B exports around each curve
            continue
        numbers = _numbers(table[column])
        filled = _filled(table[column])
        n_numbers = len(numbers) - numbers.null_count()
        if n_numbers == 0 or n_numbers < _NUMERIC_FROM * filled:
            continue
        n_values += n_numbers
        refuse_long(path, n_values)
        run, _, label = column.rpartition(" - ")
        part = places.with_columns(run=pl.lit(run) if run else pl.col("run"), name=pl.lit(label), value=numbers)
        parts.append(part.filter(pl.col("value").is_not_null()).select(TIDY.names()))
    return pl.concat(parts).cast(TIDY) if parts else pl.DataFrame(schema=TIDY)


def _filled(cells: pl.Series) -> int:
    if cells.dtype == pl.String:
        return int((cells.str.strip_chars() != "").sum())
    return len(cells) - cells.null_count()


def _numbers(cells: pl.Series) -> pl.Series:
    """Return a column as numbers; text that is none is missing."""
    text = cells.str.strip_chars() if cells.dtype == pl.String else cells
    return text.cast(pl.Float64, strict=False)


def with_epochs(values: pl.DataFrame, columns: CurveColumns) -> pl.DataFrame:
    """Take the epoch from the values of that name, by step, as Lightning logs it."""
    name = place_of("epoch", values["name"].unique().to_list(), columns.epoch)
    if name is None:
        return values
    epochs = values.filter(pl.col("name") == name).group_by("step").agg(pl.col("value").last().alias("epoch"))
    return values.filter(pl.col("name") != name).drop("epoch").join(epochs, "step", "left").select(TIDY.names())
