"""One target under atheris: `drive.py TARGET [libFuzzer arguments]`; a file is replayed."""

import os
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent))

# What is imported here is what coverage guides the fuzzer through.
with atheris.instrument_imports(include=["certsvc_sdk"]):
    from certsvc_sdk import qr, sdjwt, statuslist, verify  # noqa: F401 — instrumented by the import

from fuzzing.draws import FromBytes
from fuzzing.targets import targets


def main() -> None:
    """Fuzz until libFuzzer's own limits, or replay."""
    name, *arguments = sys.argv[1:]
    target = targets()[name]()

    def play(data: bytes) -> None:
        target(FromBytes(atheris.FuzzedDataProvider(data)))

    atheris.Setup([f"{os.path.basename(__file__)} {name}", *arguments], play)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
