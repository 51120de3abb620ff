"""Wilson's score interval of a proportion."""

import math


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
    # Not SciPy's `binomtest`: scipy.stats takes 50 MB and a second, and the pages need this.
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    share = n_right / n
    middle = share + z**2 / (2 * n)
    half = z * math.sqrt((share * (1 - share) + z**2 / (4 * n)) / n)
    low, high = (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
    return (low if n_right else 0.0), (high if n_right < n else 1.0)
