"""How a run is doing."""

import time
from dataclasses import dataclass, replace

from medrecog_core.experiments.processes import ProcessIdentity

ENDED = ("finished", "failed", "stopped", "interrupted")
SECONDS_BETWEEN_HEARTBEATS = 3.0
SECONDS_OF_SILENCE = 15.0


@dataclass(frozen=True)
class RunState:
    """How a run is doing.

    Attributes
    ----------
    status
        `queued`, `running`, `finished`, `failed` or `stopped` in the run's folder. Who reads it
        also sees `stopping`, where a run at work was asked to stop, and `interrupted`, where its
        process died without a word or has been silent for `SECONDS_OF_SILENCE`.
    stage, done, total, rate
        What it works on, how far that is, and how many a second; 0 while unknown.
    run_seconds_left
        Expected time to the end of the run, over all that is ahead; None while it is unknown.
    error
        One sentence, for a failed run.
    process
        The process that works on it or did so last; None until it has said its first word.
    heartbeat
        When that process last said a word, on the machine's monotonic clock, which no change of
        the time of day moves; 0 where it never did.
    created, started, finished
        Seconds since 1970, 0 where that has not come.
    attempts
        How many processes have worked on it.
    network_images
        From scale to images that went through the network, in all processes of the run.
    seconds
        From stage to the time it took, in all processes of the run.
    """

    status: str = "queued"
    stage: str = ""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    run_seconds_left: float | None = None
    error: str = ""
    process: ProcessIdentity | None = None
    heartbeat: float = 0.0
    created: float = 0.0
    started: float = 0.0
    finished: float = 0.0
    attempts: int = 0
    network_images: tuple[tuple[int, int], ...] = ()
    seconds: tuple[tuple[str, float], ...] = ()

    @property
    def seconds_left(self) -> float | None:
        """Expected time to the end of the stage, None while it is unknown."""
        return (self.total - self.done) / self.rate if self.rate else None

    @property
    def has_ended(self) -> bool:
        """Whether no process works on the run or is about to."""
        return self.status in ENDED

    def seen_now(self, launched: ProcessIdentity | None, asked_to_stop: bool) -> "RunState":
        """Return the state in the folder as it is to be understood at this moment.

        Parameters
        ----------
        launched
            The process that was started for a run, which may not have said a word yet.
        asked_to_stop
            Whether the run is to stop.
        """
        if self.has_ended:
            return self
        at_work = self.process or (launched if self.status == "queued" else None)
        if at_work is None or not at_work.is_alive() or self._is_silent():
            return replace(self, status="interrupted")
        return replace(self, status="stopping") if asked_to_stop else self

    def _is_silent(self) -> bool:
        return bool(self.heartbeat) and time.monotonic() - self.heartbeat > SECONDS_OF_SILENCE
