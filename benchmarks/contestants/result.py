"""What every contestant measures alike; needs the standard library only, for one lives in an environment of its own."""

import json
import resource
import statistics
import time
from collections.abc import Callable

BATCH, LR, WARM_STEPS, PASSES = 256, 3e-3, 5, 3


def rate(samples: int, work: Callable[[], object]) -> float:
    """Return the samples a second of work that is done several times, by the median."""
    seconds = []
    for _ in range(PASSES):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return samples / statistics.median(seconds)


def tell(train: float, evaluate: float, loss: float, hr: float) -> None:
    """Print what was measured, with the peak memory of this whole process."""
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"train": train, "evaluate": evaluate, "peak_mb": peak_mb, "loss": loss, "hr": hr}))
