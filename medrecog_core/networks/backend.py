"""Keras, imported late, quietly and with a GPU's memory taken as it is needed."""

import contextlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType


def import_keras() -> ModuleType:
    """Import Keras with TensorFlow behind it, unless `KERAS_BACKEND` names another backend.

    The first call takes seconds and some 400 MB, so nothing imports Keras at module level.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _without_start_messages():
        import keras

        if keras.backend.backend() == "tensorflow":
            import tensorflow

            for gpu in tensorflow.config.list_physical_devices("GPU"):
                tensorflow.config.experimental.set_memory_growth(gpu, True)
    return sys.modules["keras"]


def backend_versions() -> dict[str, str]:
    """Return the versions of Keras and of what runs it, for the record of a run."""
    keras = import_keras()
    name = keras.backend.backend()
    return {"keras": keras.__version__, name: sys.modules[name].__version__}


@contextlib.contextmanager
def _without_start_messages() -> Iterator[None]:
    # TensorFlow's libraries greet on file descriptor 2 before any of their log levels apply, and
    # the command line promises one line a mistake. Python's own errors are raised, not printed.
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
