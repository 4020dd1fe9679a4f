"""A process that sets faces, one at a time, for the process that started it.

Typesetting is the heaviest work of the issuer service, and its texts come from outside. Here it
has the lowest claim on one core, no database, no keys and no settings, and can be ended in the
middle. It reads jobs from standard input and ends with it.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from certsvc.catalogue import Catalogue
from certsvc.face.document import Printed, Typesetter
from certsvc.face.errors import FaceError, TypesettingFailed
from certsvc.face.fonts import load_fonts
from certsvc.face.job import Job, framed, printed, read_frame, refused
from certsvc.face.qr import qr_symbol
from certsvc.face.seal import SealImage
from certsvc_sdk.errors import CertsvcError

# Below every request that needs no typesetting.
NICENESS = 10
_MARK = "#"


def serve(source: BinaryIO, sink: BinaryIO, font_folders: Sequence[Path] = ()) -> None:
    """Print until there are no more jobs.

    Args:
        source: gives jobs in frames.
        sink: takes an answer for each.
        font_folders: of further fonts.

    Raises:
        FontsInvalid: a folder is none, or a font cannot be read.
    """
    catalogue, typesetter = Catalogue.builtin(), Typesetter(load_fonts(font_folders))
    while (job := read_frame(source.read)) is not None:
        try:
            answer = printed(print_job(Job.from_bytes(job), catalogue, typesetter))
        except FaceError as error:
            answer = refused(error)
        except CertsvcError as error:
            answer = refused(TypesettingFailed(f"{error.code}: {error}"))
        sink.write(framed(answer))
        sink.flush()


def print_job(job: Job, catalogue: Catalogue, typesetter: Typesetter) -> bytes:
    """The face of a certificate as PDF.

    Raises:
        FaceError: it cannot be printed.
    """
    address, mark, digits = job.qr_text.partition(_MARK)
    return typesetter.render(
        Printed(
            kind=catalogue.get(job.type, job.version),
            claims=job.claims,
            identifier=job.identifier,
            issuer_name=job.issuer_name,
            token=job.token,
            issued_at=job.issued_at,
            check_url=job.check_url,
            symbol=qr_symbol(address + mark, digits),
            typed_code=job.typed_code,
            seal=None if job.seal is None else SealImage(png=job.seal),
            overprint=job.overprint,
            language=job.language,
            demo=job.demo,
        )
    )


def main() -> None:
    """Run as `python -m certsvc.face.press`."""
    os.nice(NICENESS)
    # What a library prints must not stand between the frames.
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, sink, [Path(each) for each in sys.argv[1:]])


if __name__ == "__main__":
    main()
