"""Command line: `certsvc-sdk verify`, `history`, `prefetch`, `policy`, `log`, `bundle`.

Exit codes: 0 all VALID and acceptable (a policy: well formed), 1 something INVALID or not
acceptable (a policy: refused), 2 wrong usage, 3 something UNKNOWN and nothing worse
(`log watch`: 1 an alarm, 3 could not be read; `bundle`: 1 a part does not verify, 3 something
could not be fetched, or the trust data have ended already).
"""

from certsvc_sdk.cli.commands import exit_code, main
from certsvc_sdk.cli.printing import reason

__all__ = ["exit_code", "main", "reason"]
