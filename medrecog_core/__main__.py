"""`python -m medrecog_core`."""

from medrecog_core.cli import main
from medrecog_core.jobs.supervision import end_process

if __name__ == "__main__":
    try:
        main()
    except SystemExit as ended:
        end_process(ended.code if isinstance(ended.code, int) else 1)
