"""What goes to a press and comes back."""

import io

import pytest

from certsvc.catalogue.schema import Label
from certsvc.face import errors
from certsvc.face.job import MAX_FRAME, Job, framed, printed, read_answer, read_frame, refused
from certsvc.face.press import serve

JOB = Job(
    type="business-licence",
    version=1,
    claims={"name": "示例\ud800\u202e"},
    identifier="1.2.156.3005.2.X",
    issuer_name="示例局",
    token="a.b.c~",
    issued_at=1_800_000_000,
    check_url="https://certs.example/v",
    qr_text="https://certs.example/v#123",
    seal=b"\x89PNG",
    overprint=Label(zh="已吊销", en="revoked"),
    language="zh-en",
)
ERRORS = [
    errors.GlyphMissing(where="/name", character="𠮷"),
    errors.CharacterUnprintable(where="/name", zh="控制符", en="a control"),
    errors.SymbolTooLarge("too large"),
    errors.FontsInvalid("no font"),
    errors.TypesettingFailed("failed"),
]


def test_a_job_comes_back() -> None:
    assert Job.from_bytes(JOB.to_bytes()) == JOB


def test_frames_follow_one_another() -> None:
    stream = io.BytesIO(framed(b"one") + framed(b"") + framed(b"two"))
    assert [read_frame(stream.read) for _ in range(4)] == [b"one", b"", b"two", None]


@pytest.mark.parametrize(
    "data",
    [b"\x00", framed(b"abc")[:-1], (MAX_FRAME + 1).to_bytes(4) + b"x"],
    ids=["half-a-length", "cut", "too-long"],
)
def test_broken_frames(data: bytes) -> None:
    with pytest.raises(errors.TypesettingFailed):
        read_frame(io.BytesIO(data).read)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_refusals_come_back(error: errors.FaceError) -> None:
    with pytest.raises(type(error)) as caught:
        read_answer(refused(error))
    assert str(caught.value) == str(error)
    assert vars(caught.value) == vars(error)


def test_answers() -> None:
    assert read_answer(printed(b"%PDF")) == b"%PDF"
    with pytest.raises(errors.TypesettingFailed):
        read_answer(b"?")


def test_a_press_prints_what_it_can_and_refuses_the_rest() -> None:
    jobs = framed(JOB.to_bytes()) * 2
    sink = io.BytesIO()
    serve(io.BytesIO(jobs), sink)
    sink.seek(0)
    for _ in range(2):
        answer = read_frame(sink.read)
        assert answer is not None
        with pytest.raises(errors.FaceError):
            read_answer(answer)
    assert read_frame(sink.read) is None
