"""`python -m medrecog_core`."""

from medrecog_core.cli import main

if __name__ == "__main__":
    main()
