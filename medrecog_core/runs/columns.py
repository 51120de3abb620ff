"""What is known of each image of a run besides its class, a column for each kind."""

from medrecog_core.datasets import Dataset, ImageRecord, library
from medrecog_core.datasets.intake.classes import number_of
from medrecog_core.runs.run import Run

Value = str | float
_UNKNOWN = "unknown"


def known_columns(run: Run) -> dict[str, list[Value]]:
    """Return the columns that differ between the images of a run.

    Parameters
    ----------
    run
        A run. What the data set says now is used where it still has the images.

    Returns
    -------
    dict
        From the name of a column, such as `group`, to a value for each image, in their order; a
        column has words or numbers.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    images = run.images()
    rows = _rows_of_files(run)
    columns: dict[str, list[Value]] = {
        "split": [str(row[2]) if row else "" for row in rows],
        "given fold": [str(row[6]) if row and len(row) > 6 else "" for row in rows],
        "group": [image.group for image in images],
    }
    records = list(records_of(run).values())
    if len(records) == len(images):
        files = [record.file for record in records]
        columns |= {
            "width in pixels": [float(file.width) if file else 0.0 for file in files],
            "height in pixels": [float(file.height) if file else 0.0 for file in files],
            "pixel format": [file.mode if file else "" for file in files],
            "file size in bytes": [float(file.n_bytes) if file else 0.0 for file in files],
        }
    for name, values in metadata_of(run).items():
        columns.setdefault(name, _numbers_or_words(values))
    return {
        name: [_UNKNOWN if value == "" else value for value in values]
        for name, values in columns.items()
        if len(set(values)) > 1
    }


def metadata_of(run: Run) -> dict[str, list[str]]:
    """Return the columns of the data set's table, as it is kept here now.

    Returns
    -------
    dict
        From the name of a column, such as `sex`, to a value for each image of the run, in their
        order; empty for an image without one.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    dataset = library.find_kept(run.specification().dataset)
    if dataset is None or not dataset.metadata:
        return {}
    records = records_of(run, dataset)
    places = range(len(run.images()))
    return {
        column: [dataset.value_of(column, records[i]) if i in records else "" for i in places]
        for column in dataset.metadata
    }


def records_of(run: Run, dataset: Dataset | None = None) -> dict[int, ImageRecord]:
    """Return the images of a run as they are in its data set now, by position, ascending.

    Parameters
    ----------
    run
        A run.
    dataset
        Its data set; None to have it read.

    Returns
    -------
    dict
        An image whose file has changed is not in it, and neither is any if the data set is not
        here any more.
    """
    dataset = dataset or library.find_kept(run.specification().dataset)
    if dataset is None:
        return {}
    places = {(image.path, image.identity): i for i, image in enumerate(run.images())}
    found = {}
    for record in dataset.every_image:
        if record.file is not None:
            identity = (record.file.sha256, dataset.rendering_of(record).identity)
            place = places.get((str(dataset.absolute_path(record)), identity))
            if place is not None:
                found[place] = record
    return dict(sorted(found.items()))


def _numbers_or_words(values: list[str]) -> list[Value]:
    numbers = [float(number) for value in values if (number := number_of(value)) is not None]
    return [*numbers] if len(numbers) == len(values) else [*values]


def _rows_of_files(run: Run) -> list[list[Value]]:
    """Return the row of each image in the run's list of files; an empty one if it has none."""
    rows = iter(run.files())
    found: list[list[Value]] = []
    for image in run.images():  # both are in the order of the data set
        found.append(next((row for row in rows if _is_of(image.name, str(row[0]))), []))
    return found


def _is_of(name: str, path: str) -> bool:
    return name == path or name.endswith(f"/{path}")
