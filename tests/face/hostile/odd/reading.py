"""Reads every file of a folder under limits of memory and processor time: reading.py FOLDER OUT.

A process of its own, so that its peak is the reader's alone and that a limit ends it, not the test.
"""

import json
import resource
import sys
import time
from pathlib import Path

from certsvc_sdk.errors import CertsvcError
from certsvc_sdk.image import read_codes

#: A hundred times what an honest picture needs; more is the end of this process.
MEMORY_BYTES = 1536 * 1024 * 1024


def main(folder: Path, out: Path) -> None:
    """Write what was read: texts, or the code of the refusal, and seconds of processor time."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    answers = {}
    for file in sorted(folder.iterdir()):
        began = time.thread_time()
        try:
            codes = read_codes(file.read_bytes())
            answer = {"texts": [code.text for code in codes], "code": None}
        except CertsvcError as error:
            answer = {"texts": [], "code": error.code}
        answers[file.name] = answer | {"seconds": time.thread_time() - began}
    # Of this program alone: `ru_maxrss` also knows the process that started it.
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    peak = 1024 * int(status["VmHWM"].split()[0])
    out.write_text(json.dumps({"peak": peak, "answers": answers}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
