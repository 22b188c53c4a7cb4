"""Run the command as python -m frostguard.cli."""

import sys

from frostguard.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
