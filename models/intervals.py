"""95 % confidence intervals from a sum, a sum of squares and a count.

They speak of the sampling of windows, not of seeds: the noise of one evaluation, not of a training.
"""

import math

import scipy

Interval = tuple[float, float]

_LEVEL = 0.95


def interval(metric: str, total: float, total_sq: float, count: int) -> Interval | None:
    """Pick the interval that fits a metric: Wilson for hit ratios, normal for means.

    Parameters
    ----------
    metric
        Its name, such as ``hr@10``, ``ndcg@10`` or ``loss``.
    total
        Sum over windows.
    total_sq
        Sum of squares.
    count
        Windows.

    Returns
    -------
    tuple or None
        (low, high) in the metric's unit, None where the count is too small to say.
    """
    if metric.startswith("hr@"):
        return wilson(total, count)
    highest = math.inf if metric == "loss" else 1.0
    return normal(total, total_sq, count, highest)


def wilson(hits: float, count: int) -> Interval | None:
    """Interval of a proportion (Wilson, 1927), good for small counts and for shares near 0 and 1.

    Parameters
    ----------
    hits
        Windows that were a hit.
    count
        Windows.

    Returns
    -------
    tuple or None
        (low, high) within 0 to 1, None if the count is 0.
    """
    if count == 0:
        return None
    result = scipy.stats.binomtest(round(hits), count).proportion_ci(_LEVEL, method="wilson")
    return float(result.low), float(result.high)


def normal(total: float, total_sq: float, count: int, highest: float = math.inf) -> Interval | None:
    """Interval of a mean of many values, by the central limit theorem.

    Parameters
    ----------
    total
        Sum of the values.
    total_sq
        Sum of their squares.
    count
        How many.
    highest
        The largest value there can be; the smallest is 0.

    Returns
    -------
    tuple or None
        (low, high) within 0 to ``highest``, None if the count is below 2: one value has no spread.
    """
    if count < 2:
        return None
    mean = total / count
    variance = max(0.0, total_sq - total * mean) / (count - 1)  # rounding can leave it just below 0
    half = float(scipy.stats.norm.ppf((1 + _LEVEL) / 2)) * math.sqrt(variance / count)
    return max(0.0, mean - half), min(highest, mean + half)
