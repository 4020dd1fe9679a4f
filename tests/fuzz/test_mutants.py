"""Changed tokens, codes, lists, records and policies: only sound verdicts come out."""

import pytest
from fuzzing.strategies import explore
from fuzzing.targets import targets

EXAMPLES = 60


@pytest.mark.parametrize("name", targets())
def test_a_changed_input_has_a_sound_verdict(name: str) -> None:
    assert explore(targets()[name](), examples=EXAMPLES) >= EXAMPLES // 2
