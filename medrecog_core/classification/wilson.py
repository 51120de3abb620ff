"""Wilson's score interval of a proportion."""


def wilson_interval(n_right: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a proportion (Wilson, 1927), as if the n were independent.

    Parameters
    ----------
    n_right
        How many of them succeeded.
    n
        How many there are, at least one.
    level
        Share of such intervals that hold the truth.
    """
    from scipy.stats import binomtest

    interval = binomtest(n_right, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)
