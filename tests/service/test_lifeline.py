import os
import threading

import pytest

from certsvc.service import lifeline


def test_it_ends_when_the_other_end_is_closed() -> None:
    reading, writing = os.pipe()
    ended = threading.Event()
    thread = lifeline.end_with_supervisor(
        {lifeline.VARIABLE: "1"}, descriptor=reading, end=ended.set
    )
    assert thread is not None
    os.write(writing, b"noise")
    assert not ended.is_set()
    os.close(writing)
    thread.join(30)
    assert ended.is_set()
    os.close(reading)


@pytest.mark.parametrize("environ", [{}, {lifeline.VARIABLE: "0"}])
def test_a_service_started_by_hand_watches_nobody(environ: dict[str, str]) -> None:
    assert lifeline.end_with_supervisor(environ) is None
