"""The flow that turns a model into lists for users."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.parameters import RUN, SIZE, SOURCE_NAME, STORE
from models.config import Compute
from tasks.recommend import Recommended
from tasks.recommend import recommend as recommend_items
from warehouse.config import Extraction, Size
from warehouse.policies import Recommendation

USERS = Field(description="A text file with a user a line, on the worker's machine; unset: all users with events.")
OUTPUT = Field(description="The Parquet file; unset: recommendations/<source>/<size>.parquet in the store.")


@flow(name="recommend")
def recommend(
    run: Annotated[str, RUN] = "champion",
    size: Annotated[Size, SIZE] = "250k",
    source: Annotated[str | None, SOURCE_NAME] = None,
    users: Annotated[str | None, USERS] = None,
    output: Annotated[str | None, OUTPUT] = None,
    recommendation: Recommendation = Recommendation(),
    compute: Compute = Compute(),
    extraction: Extraction = Extraction(),
    store: Annotated[str | None, STORE] = None,
) -> Recommended:
    """Recommend items to users: a Parquet file of user, rank, item, score, what made the list, and the model's ids.

    A history is the last 10 items that the model knows of all events ingested so far, those after its training, too.
    Users without such an item get the most popular ones.

    Args:
        run: A run's id, or champion: the champion of the size and source.
        size: Of the champion.
        source: Its name in the store; unset: the only one that has a champion of this size.
        users: A text file with a user a line, on the worker's machine; unset: all users with events.
        output: The Parquet file; unset: recommendations/<source>/<size>.parquet in the store.
        recommendation: How many items, and whether those that a user had before are among them.
        compute: Where the model runs.
        extraction: What the sorting of events may use.
        store: The store's folder; unset: SAWTOOTH_STORE of the worker, or store/ in the project.
    """
    return recommend_items(run, size, source, users, output, recommendation, compute, extraction, store)
