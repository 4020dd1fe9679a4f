"""`python -m certsvc_sdk.cli`."""

import sys

from certsvc_sdk.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
