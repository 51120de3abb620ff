"""Multinomial logistic regression, as scikit-learn's `LogisticRegression` fits it."""

import warnings
from collections.abc import Sequence

import numpy as np

from medrecog_core.classification.classifier import (
    TrainingOptions,
    check_training_part,
)
from medrecog_core.classification.linear_classifier import Linear, LinearClassifier
from medrecog_core.errors import MedrecogError

# Newton's method gets there in few steps; lbfgs takes ten times as long for a hundredth of the
# accuracy where C is large.
_SOLVER = "newton-cg"
_TOLERANCE = 1e-7
_MOST_STEPS = 1_000


class LogisticRegression(Linear):
    """The weights W and biases b with the least |W|² / 2 + C · (sum of the images' log losses)."""

    name = "logistic-regression"
    title = "logistic regression"
    description = "multinomial, L2 penalty"
    about_scores = (
        "A score is a logit: the softmax of all scores are the probabilities of the logistic "
        "regression before calibration."
    )

    def train_path(
        self,
        descriptors: np.ndarray,
        labels: Sequence[str],
        values: Sequence[float],
        options: TrainingOptions,
    ) -> Sequence[LinearClassifier]:
        """Train from the smallest C to the largest, each from the weights of the one before."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression as Solver

        classes = check_training_part(self.title, descriptors, labels)
        fitted = options.normalisation.fit(descriptors)
        rows = fitted.apply(descriptors)
        solver = Solver(
            class_weight="balanced" if options.class_weight == "balanced" else None,
            solver=_SOLVER,
            tol=_TOLERANCE,
            max_iter=_MOST_STEPS,
            warm_start=True,
        )
        trained = []
        for C in values:
            options.check()
            solver.set_params(C=C)
            with warnings.catch_warnings():
                warnings.simplefilter("error", ConvergenceWarning)
                try:
                    solver.fit(rows, np.asarray(labels))
                except ConvergenceWarning:
                    raise MedrecogError(
                        f"The logistic regression with C = {self.parameter.word(C)} does not "
                        "converge. Choose a normalisation, or a smaller C."
                    ) from None
            weights, biases = solver.coef_.copy(), solver.intercept_.copy()
            if len(classes) == 2:
                # One logit, shared out so that its softmax are the probabilities.
                weights, biases = np.vstack([-weights, weights]) / 2, np.append(-biases, biases) / 2
            trained.append(LinearClassifier(classes, weights, biases, fitted))
        return trained
