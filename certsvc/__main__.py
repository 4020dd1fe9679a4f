"""`python -m certsvc` is the command `certsvc`."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # `-m` looks in the working directory first: a stray keys.py must not shadow custody code.
    if not sys.flags.safe_path and Path(__file__).resolve().parents[1] != Path.cwd():
        sys.path[:] = [place for place in sys.path if place not in ("", os.getcwd())]

    from certsvc.cli import main

    main()
