"""Export: a stored model as one ONNX file."""

from pathlib import Path

from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict, Field

from models.onnx_export import export_onnx
from models.stored import load_model
from tasks.progress import artifact_size
from tasks.published import published
from tasks.verb import in_flow_run, tell, verb
from warehouse.champions import run_meant
from warehouse.runs import facts_of
from warehouse.store import replaced, store_at


class Exported(BaseModel):
    """Where the file is, and what its codes mean."""

    model_config = ConfigDict(frozen=True)

    file: str
    run_id: str
    dataset_id: str
    source: str
    size: str
    items: str = Field(description="The vocabulary: a Parquet file of code and item.")
    n_items: int

    def __str__(self) -> str:
        """Return it for people."""
        return (
            f"run {self.run_id} of {self.source}, {self.size}, as ONNX: inputs history (batch, 10) int64, 0 after the"
            f" last item, and length (batch,) int64; output scores (batch, {self.n_items}), column j for code j + 1\n"
            f"codes: {self.items}\n{self.file}"
        )


@verb
def export(run: str, size: str, source: str | None, output: str | None, store: str | None) -> Exported:
    """Write the model of a run or of the champion as ONNX."""
    where = store_at(store)
    run_id = run_meant(where, run, source, size)
    facts, model = facts_of(where, run_id), load_model(where.run(run_id))
    path = Path(output).expanduser().resolve() if output else where.root / "exports" / f"{run_id}.onnx"
    names = {name: str(facts[name]) for name in ("run_id", "dataset_id", "source", "size")}
    with replaced(path) as partial:
        export_onnx(model, partial, names)
    items = where.dataset(names["dataset_id"]) / "items.parquet"
    made = Exported(file=str(path), items=str(items), n_items=model.n_items, **names)
    tell(str(made))
    if in_flow_run():
        key, about = f"onnx-{artifact_size(made.size)}", f"Run {run_id} as ONNX."
        with published("where the model is"):
            create_table_artifact(table=[made.model_dump()], key=key, description=about)
    return made
