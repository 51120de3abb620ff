"""Training features that the classifier of a model contains, and their limit."""

from medrecog_core.errors import MedrecogError
from medrecog_core.features import AnyCell, members
from medrecog_core.models.card import ALL, ModelCard
from medrecog_core.networks import find_network
from medrecog_core.runs import Run
from medrecog_core.runs.training_time import descriptor_length
from medrecog_core.wording import counted

MOST_BYTES = 384 * 2**20
"""With this limit, the whole model still fits into a model file."""


def what_would_be_kept(run: Run, cell: AnyCell, on: str) -> str:
    """Return sentences on the features that a model of a cell would contain; empty if none.

    Parameters
    ----------
    run, cell
        The run and one of its cells.
    on
        One of `TRAINED_ON`.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    asked = run.specification()
    n_images = len(run.images() if on == ALL else run.trained_images())
    network = find_network(asked.network)
    length = sum(descriptor_length(network, each, asked.n_words) for each in members(cell))
    if asked.normalisation.startswith("pca"):
        length = min(length, n_images, asked.n_components)
    n_bytes = asked.trained_classifier.bytes_kept(n_images, length)
    return _described(n_images, n_bytes, "about ")


def what_is_kept(card: ModelCard) -> str:
    """Return sentences on the features that a model contains; empty if none."""
    return _described(card.n_learnt, card.bytes_kept)


def check_kept(n_images: int, n_bytes: int) -> None:
    """Raise MedrecogError if a model would contain more than can be saved."""
    if n_bytes > MOST_BYTES:
        raise MedrecogError(
            f"The model would contain the features of {counted(n_images, 'training image')} "
            f"({_size(n_bytes)}), but at most {_size(MOST_BYTES)} can be saved. Choose the "
            "normalisation pca, a layer with fewer channels, or another classifier."
        )


def _described(n_images: int, n_bytes: int, about: str = "") -> str:
    if not n_bytes:
        return ""
    return (
        f"The model contains the features of all {n_images:,} training images, "
        f"{about}{_size(n_bytes)}. Share it only with people who are allowed to have them."
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"
