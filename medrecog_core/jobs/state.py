"""State of a job, as stored and as interpreted now."""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from medrecog_core.bounds import KNOWN_ONLY, Count, Seconds, Timestamp
from medrecog_core.jobs.process import ProcessIdentity
from medrecog_core.jobs.progress import Stage
from medrecog_core.wording import as_text

ENDED = ("finished", "failed", "stopped", "interrupted")
RESUMABLE = ("failed", "stopped", "interrupted")
SECONDS_BETWEEN_HEARTBEATS = 3.0
SECONDS_OF_SILENCE = 15.0

_IDS_OF_WORDS = (
    (r"extracting at (\d+)", r"extract-\1"),
    (r"looking into the store at (\d+)", r"look-up-\1"),
    (r"waiting for another process that extracts at (\d+)", r"wait-for-extraction-\1"),
    (r"waiting for .+", "wait-for-turn"),
    (r"learning .+", "learn-codebook"),
    ("training", "train"),
    ("reading files", "read-files"),
    ("encoding images", "encode"),
    ("drawing local descriptors", "sample-local-descriptors"),
    ("drawing the demo pictures", "draw-demo"),
)
_LABELS = (
    (r"extract-(\d+)", r"Extracting features at \1 px"),
    (r"look-up-(\d+)", r"Checking the feature cache at \1 px"),
    (r"wait-for-extraction-(\d+)", r"Waiting for another process at \1 px"),
    ("wait-for-turn", "Waiting in the queue"),
    ("learn-codebook", "Learning codebooks"),
    ("train", "Training classifiers"),
    ("encode", "Encoding images"),
    ("draw-demo", "Generating the demo images"),
)


def stage_id(name: str) -> str:
    """Return the id of a stage in a state or record; version 0.1.0 stored it in words."""
    for pattern, id_ in _IDS_OF_WORDS:
        if match := re.fullmatch(pattern, name):
            return match.expand(id_)
    return "-".join(re.findall(r"[a-z0-9]+", name.lower())) or "unknown"


def by_stage_id(
    figures: Iterable[tuple[str, float]], combine: Callable[[Iterable[float]], float]
) -> dict[str, float]:
    """Return figures by stage id; those of several former names of one stage are combined."""
    found: dict[str, list[float]] = {}
    for name, figure in figures:
        found.setdefault(stage_id(name), []).append(figure)
    return {id_: combine(each) if len(each) > 1 else each[0] for id_, each in found.items()}


def stage_label(id_: str) -> str:
    """Return the label of a stage id, for tables of durations."""
    for pattern, label in _LABELS:
        if match := re.fullmatch(pattern, id_):
            return match.expand(label)
    return id_.replace("-", " ").capitalize()


_Rate = Annotated[float, Field(ge=0, lt=1e15, allow_inf_nan=False)]
_Status = Annotated[
    str, Field(pattern=r"^(queued|running|finished|failed|stopped|stopping|interrupted)$")
]


@dataclass(frozen=True)
class JobState:
    """State of a job.

    Attributes
    ----------
    status
        `queued`, `running`, `finished`, `failed` or `stopped` in the job's folder. Readers also see
        `stopping`, if a running job was requested to stop, and `interrupted`, if its process died
        or has been silent for `SECONDS_OF_SILENCE`.
    stage
        Current stage; None before the first.
    done, total, rate
        Progress in the stage's unit, and units per second; 0 while unknown.
    job_seconds_left
        Expected remaining seconds of the job, over all stages; None while unknown.
    waits
        Whether it waits for another process.
    error
        Error message of a failed job.
    process
        Its current or last process; None before it started.
    heartbeat
        When that process last wrote its state, on the monotonic clock of the machine, which is
        independent of the time of day; 0 if never.
    created, started, finished
        Seconds since 1970, 0 if not yet.
    attempts
        Number of processes that have worked on it.
    network_images
        Number of images computed by input size, over all attempts.
    seconds
        Seconds by stage id, over all attempts.
    """

    __pydantic_config__ = KNOWN_ONLY

    status: _Status = "queued"
    stage: Stage | None = None
    done: Count = 0
    total: Count = 0
    rate: _Rate = 0.0
    job_seconds_left: Seconds | None = None
    waits: bool = False
    error: str = ""
    process: ProcessIdentity | None = None
    heartbeat: Seconds = 0.0
    created: Timestamp = 0.0
    started: Timestamp = 0.0
    finished: Timestamp = 0.0
    attempts: Count = 0
    network_images: tuple[tuple[Count, Count], ...] = ()
    seconds: tuple[tuple[str, Seconds], ...] = field(default=())

    def __post_init__(self) -> None:
        # It may name a file whose name is not UTF-8.
        object.__setattr__(self, "error", as_text(self.error))

    @property
    def stage_seconds_left(self) -> float | None:
        """Expected remaining seconds of the stage, None while unknown."""
        return (self.total - self.done) / self.rate if self.rate else None

    @property
    def seconds_left(self) -> float | None:
        """Expected remaining seconds of the job, or of its stage if nothing else is known."""
        return self.stage_seconds_left if self.job_seconds_left is None else self.job_seconds_left

    @property
    def share(self) -> float:
        """The share of the stage that is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def has_ended(self) -> bool:
        """Whether no process works on the job or will start soon."""
        return self.status in ENDED

    def seen_now(self, launched: ProcessIdentity | None, asked_to_stop: bool) -> "JobState":
        """Return the stored state as interpreted now.

        Parameters
        ----------
        launched
            The process that was started for the job, which may not be at work yet.
        asked_to_stop
            Whether the job was requested to stop.
        """
        if self.has_ended:
            return self
        at_work = self.process or (launched if self.status == "queued" else None)
        if at_work is None or not at_work.is_alive() or self._is_silent():
            return replace(self, status="interrupted")
        return replace(self, status="stopping") if asked_to_stop else self

    def _is_silent(self) -> bool:
        return bool(self.heartbeat) and time.monotonic() - self.heartbeat > SECONDS_OF_SILENCE

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Any) -> "JobState":
        """Return the state that a document describes.

        States of version 0.1.0 have the stage in words, and the remaining time under another name.

        Raises
        ------
        ValueError
            If it is not a valid state.
        """
        if not isinstance(document, dict):
            raise ValueError("The state of a job must be an object")
        document = dict(document)
        if isinstance(document.get("stage"), str):
            words = document["stage"]
            document["stage"] = {"id": stage_id(words), "label": words} if words else None
        if "run_seconds_left" in document:
            document["job_seconds_left"] = document.pop("run_seconds_left")
        state: JobState = _STATE.validate_python(document)
        return replace(state, seconds=tuple(by_stage_id(state.seconds, sum).items()))


_STATE = TypeAdapter(JobState)
