"""Between the two rooms that do not know each other: a run's checkpoints on disk as what a training goes on from."""

from collections.abc import Callable

from models.checkpoint import Checkpoint
from models.keeping import Keeping
from tasks.verb import tell
from warehouse.checkpoints import newest_checkpoint, write_checkpoint
from warehouse.errors import WarehouseError
from warehouse.runs import Draft


def keeping_of(draft: Draft, must_stop: Callable[[], bool]) -> Keeping:
    """Return what keeps a run's training: its newest good checkpoint, and what writes the next.

    A checkpoint that the disk refuses is said and not mourned: the training is worth more than it, and a disk that is
    full now may not be at the next.
    """

    def save(checkpoint: Checkpoint) -> None:
        try:
            write_checkpoint(draft, checkpoint.step, checkpoint.arrays, checkpoint.records)
        except WarehouseError as error:
            tell(f"warning: run {draft.run_id} has no checkpoint of step {checkpoint.step:,}: {error}")

    found = newest_checkpoint(draft, tell)
    if found is None:
        return Keeping(None, save, must_stop)
    tell(f"run {draft.run_id}: goes on after step {found.step:,}, from its checkpoint")
    return Keeping(Checkpoint(found.step, found.arrays, found.records), save, must_stop)
