"""`python -m verifier`: runs the verifier service until it is told to stop."""

import os
import sys

from certsvc.service import logs
from certsvc.service.lifeline import end_with_supervisor
from certsvc.service.server import serve
from certsvc.service.settings import Settings, SettingsInvalid
from verifier.app import create_app, forget_last_run


def main() -> int:
    """Serve on `CERTSVC_VERIFIER_BIND` and `CERTSVC_VERIFIER_PORT`.

    Returns:
        0 after a clean stop, 78 when a setting is wrong.
    """
    logs.configure()
    try:
        settings = Settings.from_env(os.environ)
        forget_last_run(settings)
        # A wrong setting shall end the process here, not every worker again and again.
        create_app(settings)
    except SettingsInvalid as error:
        print(f"verifier: {error}", file=sys.stderr)
        return error.exit_code
    end_with_supervisor(os.environ)
    serve(
        "verifier.app:served_app",
        address=settings.verifier_bind,
        port=settings.verifier_port,
        workers=settings.verifier_workers,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
