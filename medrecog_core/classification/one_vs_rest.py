"""One boundary a class and fold: which rows are on which side, and what an error on each costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import UsageError

CLASS_WEIGHTS = ("none", "balanced")


@dataclass(frozen=True)
class OneVsRest:
    """The problems of several training parts, a column for each of the m boundaries.

    Attributes
    ----------
    classes
        For each training part the sorted labels it has. Each has a boundary, in this order; two
        classes share one, whose positive side is the second's.
    signs
        Shape (n, m): 1 for rows of the positive class, else -1.
    weights
        Shape (n, m): what an error costs at C = 1; 0 for rows outside the training part.
    """

    classes: tuple[tuple[str, ...], ...]
    signs: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(
        cls, labels: np.ndarray, training_parts: Sequence[np.ndarray], class_weight: str
    ) -> "OneVsRest":
        """Return the problems.

        Parameters
        ----------
        labels
            Of the n rows.
        training_parts
            Positions of rows.
        class_weight
            `none`; or `balanced`: rows of a class weigh n / (n_classes * n_class) (scikit-learn's
            `compute_class_weight`) where its own boundary is sought and 1 where another's is, as in
            liblinear; with two classes both are weighted.

        Raises
        ------
        UsageError
            If a part has fewer than two classes, or there is no such class weight.
        """
        if class_weight not in CLASS_WEIGHTS:
            raise UsageError(
                f"There is no class weight “{class_weight}”: choose among "
                f"{', '.join(CLASS_WEIGHTS)}."
            )
        classes, signs, weights = [], [], []
        for part in training_parts:
            names, counts = np.unique(labels[part], return_counts=True)
            if len(names) < 2:
                raise UsageError(
                    "An SVM needs training images of at least two classes, and has those of "
                    f"{', '.join(names) or 'none'}."
                )
            classes.append(tuple(map(str, names)))
            balanced = len(part) / (len(names) * counts) if class_weight == "balanced" else None
            for k in range(1, 2) if len(names) == 2 else range(len(names)):
                positive = labels == names[k]
                weight = np.zeros(len(labels))
                weight[part] = 1
                if balanced is not None:
                    weight[positive] *= balanced[k]
                    if len(names) == 2:
                        weight[~positive] *= balanced[0]
                signs.append(np.where(positive, 1.0, -1.0))
                weights.append(weight)
        return cls(tuple(classes), np.column_stack(signs), np.column_stack(weights))

    def columns(self, part: int) -> slice:
        """Return the columns of a training part."""
        sizes = [1 if len(names) == 2 else len(names) for names in self.classes]
        first = sum(sizes[:part])
        return slice(first, first + sizes[part])
