"""The flow for curves that people bring: a file in, a verdict out."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.read_curves import CurveColumns, CurveVerdict, judge_curves

AS_GUESSED = CurveColumns()
FILE = Field(description="CSV, Parquet, JSON lines, Lightning metrics.csv, trainer_state.json, TensorBoard event file.")
PER_EPOCH = Field(ge=2, description="Evaluations an epoch (at least 2), where the file has no epochs; unset: found.")
WINDOWS = Field(ge=1, description="Windows that validation is a mean over (at least 1); unset: unknown.")


@flow(name="read-curves")
def read_curves(
    file: Annotated[str, FILE],
    columns: CurveColumns = AS_GUESSED,
    evaluations_per_epoch: Annotated[int | None, PER_EPOCH] = None,
    validation_windows: Annotated[int | None, WINDOWS] = None,
) -> CurveVerdict:
    """Say why the curves in a file saw, as far as curves alone can tell, and what to do next.

    Measures every curve's jump between epochs, weighs the hypotheses that could explain it, and names those that
    these curves cannot tell apart.

    Args:
        file: CSV, Parquet, JSON lines, Lightning metrics.csv, Hugging Face trainer_state.json, a TensorBoard event
            file, or a W&B or MLflow export, on the worker's machine.
        columns: Which column is what; what is unset is guessed from the names.
        evaluations_per_epoch: Where the file has no epochs, at least 2; unset: found from the curves.
        validation_windows: Windows that validation is a mean over; with it the noise of a hit ratio is known.
    """
    return judge_curves(file, columns, evaluations_per_epoch, validation_windows)
