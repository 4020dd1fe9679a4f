"""PDFs are read in processes of their own: what hostile ones cost, and what they cannot do."""

import io
import os
import resource
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from certsvc.face import png, qr_symbol
from certsvc_sdk import pdf_process, pdf_reading
from certsvc_sdk.contents import Contents
from certsvc_sdk.errors import FileTooLarge, ImageUnreadable, NoCodeFound
from certsvc_sdk.image import read_contents
from certsvc_sdk.pdf_frames import answered, framed, read_answer, read_frame, refused
from certsvc_sdk.pdf_process import PROCESSES, PdfReaders
from certsvc_sdk.scanning import Code

MIB = 1024**2
CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]"
TWICE = b"/Filter[/FlateDecode/FlateDecode]"
FORM = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]"


@pytest.fixture
def readers() -> Iterator[PdfReaders]:
    made = PdfReaders()
    yield made
    made.close()


@pytest.fixture(scope="module")
def good() -> bytes:
    with Image.open(io.BytesIO(png(qr_symbol("https://l.example/v#", "7" * 300)))) as symbol:
        sheet = Image.new("RGB", (1240, 1754), "white")
        sheet.paste(symbol, (100, 100))
    out = io.BytesIO()
    sheet.save(out, "PDF", resolution=150)
    return out.getvalue()


def twice_deflated(total_mib: int) -> bytes:
    """Zeros, deflated twice; made of equal blocks, without making the zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    check = (total_mib * MIB % 65521) << 16 | 1
    once = b"\x78\xda" + block * total_mib + b"\x03\0" + check.to_bytes(4, "big")
    return zlib.compress(once, 9)


def content_bomb(pdf_of: Any, as_stream: Any) -> bytes:
    content = as_stream(twice_deflated(4096), TWICE)
    return pdf_of(CATALOG, PAGES, PAGE + b"/Contents 4 0 R>>", content)  # type: ignore[no-any-return]


def attachment_bomb(pdf_of: Any, as_stream: Any) -> bytes:
    names = b"/Names<</EmbeddedFiles<</Names[(certificate.jwt) 4 0 R]>>>>>>"
    file = b"<</Type/Filespec/F(certificate.jwt)/UF(certificate.jwt)/EF<</F 5 0 R>>>>"
    content = as_stream(twice_deflated(4096), TWICE + b"/Type/EmbeddedFile")
    return pdf_of(CATALOG[:-2] + names, PAGES, PAGE + b">>", file, content)  # type: ignore[no-any-return]


def form_bomb(pdf_of: Any, as_stream: Any) -> bytes:
    """Twelve forms, each showing the next eight times."""
    levels, shown = 12, b"/X Do " * 8
    uses = b"/Resources<</XObject<</X %d 0 R>>>>"
    page = PAGE + b"/Contents 4 0 R" + uses % 5 + b">>"
    forms = [as_stream(shown, FORM + uses % (number + 1)) for number in range(5, 4 + levels)]
    return pdf_of(CATALOG, PAGES, page, as_stream(shown), *forms, as_stream(b"0 0 9 9 re f", FORM))  # type: ignore[no-any-return]


@pytest.mark.parametrize("bomb", [content_bomb, attachment_bomb, form_bomb])
def test_a_bomb_ends_its_process_and_nothing_else(
    bomb: Callable[..., bytes], readers: PdfReaders, good: bytes, pdf_of: Any, as_stream: Any
) -> None:
    data = bomb(pdf_of, as_stream)
    assert len(data) < 16_000
    expected = readers.read(good)
    process = readers.processes()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((FileTooLarge, ImageUnreadable)):
        readers.read(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 64 * 1024
    assert readers.read(good) == expected
    assert readers.processes() == process


@pytest.mark.parametrize(
    "objects",
    [
        (CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>"),
        (CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>"),
        (
            CATALOG,
            PAGES,
            PAGE + b"/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>",
            b"<</Length 5>>stream\n/X Do\nendstream",
            b"<</Length 11" + FORM + b"/Resources<</XObject<</X 5 0 R>>>>>>stream\n"
            b"/X Do /X Do\nendstream",
        ),
    ],
    ids=["pages-of-themselves", "pages-in-a-circle", "form-in-itself"],
)
def test_circles_end(objects: tuple[bytes, ...], good: bytes, pdf_of: Any) -> None:
    with pytest.raises((ImageUnreadable, NoCodeFound)):
        read_contents(pdf_of(*objects))
    assert read_contents(good).codes


def test_one_ended_from_outside_is_replaced(readers: PdfReaders, good: bytes) -> None:
    expected = readers.read(good)
    (first,) = readers.processes()
    os.kill(first, signal.SIGKILL)
    assert readers.read(good) == expected
    assert readers.processes() != [first]


def test_as_many_at_once_as_there_are_processes(readers: PdfReaders, good: bytes) -> None:
    found: list[Contents] = []
    threads = [threading.Thread(target=lambda: found.append(readers.read(good))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(each == found[0] for each in found)
    assert 1 <= len(readers.processes()) <= PROCESSES


def test_a_fork_starts_its_own(readers: PdfReaders, good: bytes) -> None:
    expected = readers.read(good)
    mine = readers.processes()
    child = os.fork()
    if child == 0:
        try:
            is_own = not readers.processes() and readers.read(good) == expected
            is_own = is_own and readers.processes() != mine
            readers.close()
            os._exit(0 if is_own else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert readers.read(good) == expected
    assert readers.processes() == mine


def script(source: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", source)


def test_one_that_never_answers_is_ended() -> None:
    readers = PdfReaders(script("import time; time.sleep(600)"), seconds=0.2)
    with pytest.raises(FileTooLarge, match="too long"):
        readers.read(b"%PDF-" + bytes(MIB))
    assert readers.processes() == []


@pytest.mark.parametrize(
    "source",
    [
        "",
        "import os; os.read(0, 99); os.write(1, b'x')",
        "import os; os.read(0, 99); os.write(1, bytes(20))",
        "import os; os.read(0, 99); os.write(1, bytes(16) + b'\\xff' * 4)",
        "import os; mark = os.read(0, 99)[:16]; os.write(1, mark + bytes(3) + b'\\2{}')",
    ],
    ids=["ends", "cut-short", "another-mark", "too-long", "no-contents"],
)
def test_one_that_answers_nonsense(source: str) -> None:
    readers = PdfReaders(script(source))
    with pytest.raises(ImageUnreadable):
        readers.read(b"%PDF-")
    readers.close()


def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(ImageUnreadable, match="started"):
        PdfReaders((str(tmp_path / "none"),)).read(b"%PDF-")


def test_waiting_for_a_free_one_is_bounded(good: bytes) -> None:
    readers = PdfReaders(wait=0.01)
    for _ in range(PROCESSES):
        readers._free.acquire()
    with pytest.raises(ImageUnreadable, match="try again"):
        readers.read(good)
    readers._free.release()
    assert readers.read(good).codes
    readers.close()


def test_a_process_knows_no_secrets(
    monkeypatch: pytest.MonkeyPatch, readers: PdfReaders, good: bytes
) -> None:
    monkeypatch.setenv("CERTSVC_SECRET", "secret")
    readers.read(good)
    (number,) = readers.processes()
    assert b"secret" not in Path(f"/proc/{number}/environ").read_bytes()
    assert os.readlink(f"/proc/{number}/cwd") == "/"
    held = {os.readlink(each) for each in Path(f"/proc/{number}/fd").iterdir()}
    assert all(each == os.devnull or each.startswith("pipe:") for each in held)


CONFINED = """
import sys; sys.path[:] = sys.argv[2:]
import os, resource
from certsvc_sdk import pdf_reading
pdf_reading.confine()
try:
    open(sys.argv[1], "wb", buffering=0).write(b"x")
except OSError:
    print("no file")
try:
    bytearray(pdf_reading.MEMORY_BYTES * 5 // 4)
except MemoryError:
    print("no memory")
print(resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_NPROC))
print(resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_FSIZE))
try:
    resource.setrlimit(resource.RLIMIT_CPU, (900, 901))
except (ValueError, OSError):
    print("for good")
"""


def test_what_reads_a_file_writes_none_and_starts_nothing(tmp_path: Path) -> None:
    paths = [str(tmp_path / "written"), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CONFINED, *paths],
        capture_output=True,
        check=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert lines[:4] == ["no file", "no memory", "(22, 23) (0, 0)", "(0, 0) (0, 0)"]
    if os.getuid() != 0:
        assert lines[4:] == ["for good"]
    assert (tmp_path / "written").read_bytes() == b""


def test_what_a_lost_file_is_told() -> None:
    assert isinstance(pdf_reading._loss(-signal.SIGXCPU), FileTooLarge)
    assert isinstance(pdf_reading._loss(-signal.SIGSEGV), ImageUnreadable)


def test_an_answer_gives_back_what_was_read(good: bytes) -> None:
    here = pdf_process.read_here(good)
    assert read_answer(pdf_reading.answer(good)) == here == read_contents(good)
    odd = Code(2, (-1, 0, 5, 9), "\udcff\0证", "attachment", "n\ufffd", is_broken=True)
    whole = Contents(3, (odd, Code(None, None, "")), {2: "文字"})
    assert read_answer(answered(whole)) == whole
    with pytest.raises(ImageUnreadable, match="damaged"):
        read_answer(pdf_reading.answer(b"%PDF-"))
    with pytest.raises(FileTooLarge, match="this"):
        read_answer(refused(FileTooLarge("this")))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b"[" * 100_000,
        b'{"refused":"x","reason":7}',
        b'{"pages":true,"codes":[],"texts":[]}',
        b'{"pages":21,"codes":[],"texts":[]}',
        b'{"pages":1,"codes":[],"texts":[[1,2]]}',
        b'{"pages":1,"codes":[[1]],"texts":[]}',
        b'{"pages":1,"codes":[[1,[1,2,3,"4"],"","qr",null,false]],"texts":[]}',
        b'{"pages":1,"codes":[[1,null,"","other",null,false]],"texts":[]}',
        b'{"pages":1,"codes":[[1,null,"",[],null,false]],"texts":[]}',
    ],
    ids=lambda answer: answer[:40].decode("latin-1").encode("ascii", "replace").decode(),
)
def test_answers_of_another_shape(answer: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        read_answer(answer)


def test_frames() -> None:
    stream = io.BytesIO(framed(b"m" * 16, b"one") + framed(b"n" * 16, b""))
    assert read_frame(stream.read, 3) == (b"m" * 16, b"one")
    assert read_frame(stream.read, 3) == (b"n" * 16, b"")
    assert read_frame(stream.read, 3) is None
