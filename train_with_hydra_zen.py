"""`can-train train` and `can-train run`, under the name that job scripts in the field call.

Any Python may start it: with `--frozen-config` it trains what a frozen config describes, else it
takes the flags of `train`; the environment of this checkout does the work.
"""

import os
import sys

HOME = os.path.dirname(os.path.realpath(__file__))


def main():
    """Hands over; what a Python of the environment started goes on in the same process."""
    words = sys.argv[1:]
    frozen = any(word.partition("=")[0] == "--frozen-config" for word in words)
    words = ["run" if frozen else "train"] + words
    try:
        import hydra_zen  # noqa: F401  # one of the locked packages

        from can_train.cli.main import main as can_train
    except ImportError:
        launcher = os.path.join(HOME, "can-train")
        os.execv(launcher, [launcher] + words)
    sys.argv[1:] = words
    sys.exit(can_train())


main()
