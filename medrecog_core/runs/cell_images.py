"""The test images of a cell with what was said of each."""

from dataclasses import dataclass

from medrecog_core.images import PLAIN, Rendering
from medrecog_core.runs.cell_result import CellResult
from medrecog_core.runs.run import Run


@dataclass(frozen=True)
class CellImage:
    """A test image as a cell sees it.

    Attributes
    ----------
    path
        Of its file.
    label, predicted
        The true class, and the one of the greatest score.
    score
        That greatest score, by which it was taken for `predicted`.
    group
        Patient or lesion, empty where it has none.
    sha256
        Of the file as the run saw it.
    rendering
        How the file's stored values became a picture.
    """

    path: str
    label: str
    predicted: str
    score: float
    group: str
    sha256: str
    rendering: Rendering = PLAIN

    @property
    def is_right(self) -> bool:
        """Whether the prediction is the true class."""
        return self.label == self.predicted


def cell_images(run: Run, result: CellResult) -> list[CellImage]:
    """Return the test images of a cell, those of the greatest scores first.

    An image that is tested several times is there as often.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    scores = run.scores(result.cell)
    classes = [row.label for row in result.metrics.classes]
    images = [
        CellImage(
            path=image.path,
            label=image.label,
            predicted=classes[row.argmax()],
            score=float(row.max()),
            group=image.group,
            sha256=image.sha256,
            rendering=image.rendering,
        )
        for image, row in zip(run.tested_images(), scores, strict=True)
    ]
    return sorted(images, key=lambda image: -image.score)
