"""Between the two rooms that do not know each other: a snapshot's arrays as a model's windows."""

from models.windows import TrainingData, WindowSet
from warehouse.snapshot import Snapshot


def training_data(snapshot: Snapshot) -> TrainingData:
    """Return a snapshot as training data; nothing is copied."""
    arrays = snapshot.arrays

    def windows(split: str) -> WindowSet:
        ends, lengths = arrays[f"{split}_ends"], arrays[f"{split}_lengths"]
        return WindowSet(arrays["items"], ends, lengths, arrays["times"])

    return TrainingData(windows("train"), windows("validation"), windows("test"), snapshot.n_items)
