"""Run a flow in this process, without a server: ``python -m flows NAME [--dotted.option VALUE]``."""

import os
import sys

from tasks.tied import end_with_stdin

# Read once, when torch is imported: threads that wait for each other sleep. Where they spin, torch's default, one other
# busy process halves the speed of two threads or worse.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if __name__ == "__main__":
    end_with_stdin()

    from flows.command_line import main

    sys.exit(main(sys.argv[1:]))
