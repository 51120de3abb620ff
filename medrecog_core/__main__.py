"""`python -m medrecog_core`, and the command `medrecog` of an installation."""

from medrecog_core.cli import main
from medrecog_core.jobs.supervision import end_process


def run() -> None:
    """Run the command line and end the process."""
    try:
        main()
    except SystemExit as ended:
        end_process(ended.code if isinstance(ended.code, int) else 1)


if __name__ == "__main__":
    run()
