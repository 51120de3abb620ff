"""`python -m medrecog_core`, and the command `medrecog` of an installation."""

import os
import sys

from medrecog_core.cli import main
from medrecog_core.experiments.supervision import is_work_left_behind


def run() -> None:
    """Run the command line and end the process."""
    try:
        main()
    except SystemExit as ended:
        # Python would wait for threads that read files, and tear the network down under a thread
        # that is inside it.
        if is_work_left_behind():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended.code if isinstance(ended.code, int) else 1)
        raise


if __name__ == "__main__":
    run()
