"""Making a model of a run's cell."""

import time
from pathlib import Path
from typing import Any

from medrecog_core.classification import choose_c, train_svm
from medrecog_core.datasets import check_name
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.experiments import RunFolder
from medrecog_core.experiments.cell_evaluation import INNER_FOLDS
from medrecog_core.features import (
    AnyCell,
    DescriptorStore,
    Fusion,
    HashedImage,
    describe_images,
    learn_cell_codebook,
)
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_change
from medrecog_core.models.model import Model, ModelCard
from medrecog_core.models.storage import model_names, save_model
from medrecog_core.networks import find_network


def train_model(run: RunFolder, cell: AnyCell, name: str) -> Model:
    """Train the SVM of a finished cell again, on the run's training images, and keep it.

    The descriptors come from the store; no image is read.

    Raises
    ------
    UsageError
        If the name cannot be used or is taken.
    MedrecogError
        If the run has no such finished cell.
    StorageError
        If descriptors are missing, or the model cannot be written.
    """
    check_may_change("make a model")
    check_name(name)
    if name in model_names():
        raise UsageError(f"There is a model “{name}” already: choose another name.")
    specification, record = run.specification(), run.record()
    result = run.cell(cell) if cell in specification.cells else None
    if result is None:
        finished = ", ".join(r.cell.name for r in run.cells()) or "none yet"
        raise MedrecogError(
            f"The run {run.id} has no finished cell {cell.name}: choose among {finished}."
        )
    if isinstance(cell, Fusion):
        raise MedrecogError(
            f"The fusion {cell.name} cannot become a model yet: choose a single cell."
        )
    source = run.source()
    train = run.trained_images()
    files = [HashedImage(Path(image.path), image.sha256) for image in train]
    with DescriptorStore(cache_folder().features) as store:
        where = (find_network(specification.network), source, store)
        codebook = learn_cell_codebook(
            files, cell, *where, specification.n_words, specification.seed
        )
        descriptors = describe_images(files, cell, codebook, *where)
    labels = [image.label for image in train]
    options: dict[str, Any] = {
        "class_weight": specification.class_weight,
        "normalisation": specification.normaliser,
    }
    C = specification.C[0]
    if len(specification.C) > 1:
        groups = [image.group for image in train] if specification.keep_groups else None
        chosen = choose_c(
            descriptors,
            labels,
            specification.C,
            groups=groups,
            n_folds=INNER_FOLDS,
            seed=specification.seed,
            **options,
        )
        C = chosen.C
    svm = train_svm(descriptors, labels, C, specification.seed, **options)
    card = ModelCard(
        name=name,
        run=run.id,
        dataset=specification.dataset,
        synthetic=record["dataset"]["synthetic"],
        network=specification.network,
        cell=cell,
        source=source,
        weights_title=record["weights"]["title"],
        C=C,
        normalisation=svm.normalisation.kind,
        seed=specification.seed,
        classes=svm.classes,
        accuracy=result.metrics.accuracy,
        accuracy_interval=result.metrics.accuracy_interval,
        balanced_accuracy=result.metrics.balanced_accuracy,
        n_train=result.n_train,
        n_test=result.n_test,
        created=time.time(),
        sample=record.get("sample", ""),
    )
    model = Model(card, svm, codebook)
    save_model(model)
    return model
