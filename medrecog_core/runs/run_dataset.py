"""The data set of a run, where it is kept here as the run saw it."""

import dataclasses

from medrecog_core.datasets import Dataset, draw_sample, library
from medrecog_core.datasets.manifest import read_dataset
from medrecog_core.errors import MedrecogError
from medrecog_core.runs.run import Run


def dataset_of_run(run: Run) -> Dataset | None:
    """Return the whole data set of a run if it is kept here and has not changed since; else None.

    No picture of the demo is drawn for that, and no image is read.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    specification = run.specification()
    name, recorded = specification.dataset, run.record().get("dataset", {}).get("fingerprint")
    try:
        dataset = seen = read_dataset(library.folder_of(name), name)
        if specification.sample is not None:
            drawn = draw_sample(dataset.images, specification.sample, specification.seed)
            seen = dataclasses.replace(dataset, images=drawn.images)
    except (FileNotFoundError, MedrecogError):
        return None
    return dataset if seen.fingerprint == recorded else None
