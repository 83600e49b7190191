"""One of the processes that train a run together: ``torchrun ... -m tasks.train_worker ASKED``.

The first of them says on standard output, in lines of JSON, what `tasks.train_processes` hears. A word on standard
input asks all to stop with a checkpoint; its end ends them.
"""

import json
import logging
import sys
from dataclasses import asdict
from typing import Any

from models.device import own_device
from models.errors import ModelError, TrainingStoppedError
from models.progress import Progress
from models.world import World, joined
from tasks.asked import Asked
from tasks.tied import asked_by_stdin
from tasks.train_draft import train_draft
from warehouse.errors import WarehouseError


class Saying(logging.Handler):
    """Says what is logged, and anything else, if this is the first process."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.INFO)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        """Say a line of the log."""
        self.say("line", record.getMessage())

    def say(self, kind: str, content: Any) -> None:
        """Say something."""
        if self._world.rank == 0:
            sys.stdout.write(json.dumps({kind: content}) + "\n")
            sys.stdout.flush()

    def say_progress(self, place: Progress) -> None:
        """Say how far the training is."""
        self.say("progress", asdict(place))


def main(words: list[str]) -> int:
    """Train as one of several. Returns the exit code."""
    asked = Asked.model_validate_json(words[0])
    must_stop = asked_by_stdin()
    with joined(own_device(asked.compute)) as world:
        saying = Saying(world)
        log = logging.getLogger("sawtooth")
        log.setLevel(logging.INFO)
        log.addHandler(saying)
        try:
            train_draft(asked, must_stop, saying.say_progress, world)
        except TrainingStoppedError as stopped:
            saying.say("stopped", stopped.step)
        except (ModelError, WarehouseError) as error:
            saying.say("error", str(error))
            return 1
        world.largest(0)  # nobody leaves before the first has written
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
