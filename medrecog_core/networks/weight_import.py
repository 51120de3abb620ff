"""Weights from a file or from Keras's server into the cache folder."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.jobs.download import Download
from medrecog_core.jobs.job import Job, create_job
from medrecog_core.jobs.kinds import DOWNLOAD_WEIGHTS
from medrecog_core.jobs.locks import locked
from medrecog_core.jobs.progress import Report as ProgressReport
from medrecog_core.jobs.progress import Stage, counting_bytes
from medrecog_core.jobs.progress import ignore as ignore_progress
from medrecog_core.jobs.work import Work, carry_out, start
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_change
from medrecog_core.networks.installed_file import (
    CUSTOM,
    OFFICIAL,
    InstalledFile,
    Naming,
    install,
    installed_files,
    remove,
    remove_leftovers,
)
from medrecog_core.networks.registry import find_network
from medrecog_core.networks.stored_array import FLOAT32, READ_ERRORS, StoredArray
from medrecog_core.networks.table import Network, OfficialFile, network_parameters, official_bytes
from medrecog_core.networks.weight_file import damaged, open_weight_file
from medrecog_core.networks.weights import Weights, all_installed_weights, find_weights

Report = Callable[[Stage, int, int], None]
"""Called with the stage, the bytes done and the total bytes (0 while unknown)."""


_DOWNLOADING = Stage("download", "Downloading weights")
_IMPORTING = Stage("import", "Importing weights")


def ignore(stage: Stage, done: int, total: int) -> None:
    """Report progress to nobody."""


def import_weights(network: Network, path: Path, report: Report = ignore) -> Weights:
    """Install the weights in a file.

    Parameters
    ----------
    network
        The network they are meant for.
    path
        A Keras file, old (`.h5`) or new (`.weights.h5`, `.keras`), or an `.npz` archive with
        arrays named `fc1/kernel`, `fc1/bias` and so on.
    report
        Called with the progress.

    Returns
    -------
    Weights
        What has been installed. Keras's official files are recognised; the rest is custom.

    Raises
    ------
    MedrecogError
        If the file cannot be read, is damaged, or does not fit the network; what was installed
        before still is.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("import weights")
    if not path.is_file():
        is_folder = "is a folder" if path.is_dir() else "does not exist"
        raise MedrecogError(f"{path} {is_folder}. Choose a weight file.")
    with _alone():
        try:
            official = network.recognise(path)
        except OSError as error:
            raise MedrecogError(f"{path} cannot be read: {error.strerror or error}.") from error
        installed = _install(network, path, official, path.name, report)
    return find_weights(network, installed.identity)


def download_weights(
    network: Network, report: Report = ignore, pause: Callable[[float], None] = time.sleep
) -> Weights:
    """Install the official file that reaches every layer, from Keras's own cache or from the web.

    Parameters
    ----------
    network
        The network whose file it is.
    report
        Called with the progress.
    pause
        Waits for some seconds after a dropped connection.

    Returns
    -------
    Weights
        What is installed now; where it was before, nothing is done.

    Raises
    ------
    MedrecogError
        If it cannot be downloaded, or is not what Keras published; what was installed before
        still is.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("download weights")
    official = network.complete_file()
    with _alone():
        there = installed_official(network)
        if there is None:
            there = _install_official(network, official, report, pause)
    return find_weights(network, there.identity)


def installed_official(network: Network) -> InstalledFile | None:
    """Return the installed official file that reaches every layer, None where there is none."""
    every = tuple(layer.name for layer in network.layers)
    files, _ = installed_files(network)
    return next((file for file in files if file.is_official and file.layers == every), None)


def downloaded_part(network: Network) -> Path:
    """Return where the download of the official file is kept until it is whole."""
    return cache_folder().weights / f"{network.complete_file().name}.part"


def remove_weights(network: Network, identity: str) -> None:
    """Remove imported or downloaded weights.

    Raises
    ------
    UsageError
        If they come with the program.
    MedrecogError
        If they are not installed.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("remove weights")
    with _alone():
        files, damaged_files = installed_files(network)
        if identity in {*(f.identity for f in files), *(f.identity for f in damaged_files)}:
            remove(identity)
            return
    if any(weights.identity == identity for weights in all_installed_weights(network)):
        raise UsageError(f"The weights {identity} come with the program and cannot be removed.")
    find_weights(network, identity)  # says that they are not installed


def _install_official(
    network: Network, official: OfficialFile, report: Report, pause: Callable[[float], None]
) -> InstalledFile:
    if official.is_at(official.keras_copy):
        return _install(network, official.keras_copy, official, official.name, report)
    download = Download(official.address, downloaded_part(network))

    def report_bytes(done: int, total: int) -> None:
        report(_DOWNLOADING, done, total)

    download.fetch(2 * official_bytes(network) + 2**20, report_bytes, pause)
    if not official.is_at(download.part):
        download.remove()
        raise MedrecogError(
            f"What {official.address} sent is not the file that Keras published (its hash is "
            "another) and was deleted. Try again, or download the file manually and import it."
        )
    installed = _install(network, download.part, official, official.name, report)
    download.remove()
    return installed


def _install(
    network: Network, path: Path, official: OfficialFile | None, source: str, report: Report
) -> InstalledFile:
    # A name on the disk need not be text.
    source = os.fsencode(source).decode(errors="replace")
    naming = Naming(
        kind=OFFICIAL if official else CUSTOM,
        title=official.title if official else f"custom weights ({source})",
        source=source,
        installed=datetime.now(UTC).isoformat(timespec="microseconds"),
    )
    with open_weight_file(path, network, cache_folder().weights) as layers:
        rows = [row for row in network_parameters(network) if row.name in layers]
        total = sum(row.n_parameters for row in rows) * FLOAT32.itemsize
        done = 0

        def read(layer: str, name: str, stored: StoredArray) -> Iterator[np.ndarray]:
            nonlocal done
            for slab in _checked(path, layer, name, stored):
                yield slab
                done += slab.nbytes
                report(_IMPORTING, done, total)

        return install(network, layers, naming, read)


def _checked(path: Path, layer: str, name: str, stored: StoredArray) -> Iterator[np.ndarray]:
    slabs = stored.slabs()
    while True:
        try:
            slab = next(slabs, None)
        except READ_ERRORS as error:
            raise damaged(path, error, layer) from error
        if slab is None:
            return
        with np.errstate(
            over="ignore"
        ):  # too large a number becomes infinite and is reported below
            values = np.ascontiguousarray(slab, FLOAT32)
        if not np.isfinite(values).all():
            raise MedrecogError(f"{path} has numbers that are not finite in {layer}'s {name}.")
        yield values


@contextmanager
def _alone() -> Iterator[None]:
    folder = cache_folder().weights
    with locked(folder / ".lock", "Another process installs weights. Try again when it has ended."):
        remove_leftovers(folder)
        yield


def start_download(network: Network) -> Job:
    """Start a job that downloads a network's official weights; return at once.

    Raises
    ------
    MedrecogError
        If another job downloads them.
    """
    check_may_change("download weights")
    return start(DOWNLOAD_WEIGHTS, network.name, _title(network))


def carry_out_download(network: Network, report: ProgressReport = ignore_progress) -> Weights:
    """Download official weights as a job in this process, which others can see and stop.

    Raises
    ------
    StoppedError
        If it was stopped; what has come is kept.
    MedrecogError
        If another job downloads them, or they cannot be downloaded.
    """
    check_may_change("download weights")
    there = installed_official(network)
    if there is None:
        carry_out(create_job(DOWNLOAD_WEIGHTS, network.name, _title(network)), report)
        there = installed_official(network)
    if there is None:
        raise MedrecogError(f"The weights of {network.title} are damaged. Download them again.")
    return find_weights(network, there.identity)


def work(job: Job, work: Work) -> None:
    """Do the work of a job that downloads weights."""
    download_weights(find_network(job.order().subject), counting_bytes(work.checked_report))


def _title(network: Network) -> str:
    return f"Download {network.title} weights"
