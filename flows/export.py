"""The flow that takes a model out of the store, for runtimes that are not torch."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.parameters import RUN, SIZE, SOURCE_NAME, STORE
from tasks.export import Exported
from tasks.export import export as export_model
from warehouse.config import Size

OUTPUT = Field(description="The ONNX file; unset: exports/<run>.onnx in the store.")


@flow(name="export")
def export(
    run: Annotated[str, RUN] = "champion",
    size: Annotated[Size, SIZE] = "250k",
    source: Annotated[str | None, SOURCE_NAME] = None,
    output: Annotated[str | None, OUTPUT] = None,
    store: Annotated[str | None, STORE] = None,
) -> Exported:
    """Write a model as ONNX: it takes a batch of any size of histories and lengths, and gives a score for every item.

    Needs the extra `onnx`: pip install 'sawtooth[onnx]'.

    Args:
        run: A run's id, or champion: the champion of the size and source.
        size: Of the champion.
        source: Its name in the store; unset: the only one that has a champion of this size.
        output: The ONNX file; unset: exports/<run>.onnx in the store.
        store: The store's folder; unset: SAWTOOTH_STORE of the worker, or store/ in the project.
    """
    return export_model(run, size, source, output, store)
