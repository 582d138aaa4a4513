"""The worker behind `can-train run`, under the name that job scripts in the field call."""

import sys

from can_train.cli.main import main

sys.exit(main(["run", *sys.argv[1:]]))
