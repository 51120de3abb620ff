"""The process of a job: `python -m medrecog_core.jobs.worker ID`."""

import sys
from collections.abc import Sequence

from medrecog_core.access import OPERATOR, ask_who
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.job import find_job
from medrecog_core.jobs.supervision import end_process
from medrecog_core.jobs.work import carry_out

DONE, NOT_DONE = 0, 1


def main(arguments: Sequence[str]) -> int:
    """Execute a job; errors are one line in its log."""
    (job_id,) = arguments
    try:
        job = find_job(job_id)
        starter = job.starter or OPERATOR
        ask_who(lambda: starter)
        carry_out(job)
    except MedrecogError as error:
        print(f"medrecog: {error}", file=sys.stderr)
        return NOT_DONE
    return DONE


if __name__ == "__main__":
    end_process(main(sys.argv[1:]))
