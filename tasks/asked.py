"""What a training of a run is asked with."""

from pathlib import Path

from models.config import Closed, Compute, Training


class Asked(Closed):
    """A training of a run, in words that another process can be given."""

    root: Path  # of the store
    run_id: str
    dataset_id: str
    training: Training
    compute: Compute  # of each process
    code: str
