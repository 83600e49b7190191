"""Run a flow in this process, without a server: ``python -m flows NAME [--dotted.option VALUE]``."""

import sys

from flows.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
