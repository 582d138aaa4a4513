"""`python -m can_train`."""

import sys

from can_train.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
