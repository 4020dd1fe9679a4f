"""The mutators as hypothesis strategies, and a bounded run over them."""

from fuzzing.draws import FromHypothesis
from fuzzing.targets import Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def explore(target: Target, *, examples: int) -> int:
    """Play a target with so many examples; a finding is shrunk, then raised.

    Returns:
        The number of inputs that were played.
    """
    played = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def play(data: st.DataObject) -> None:
        nonlocal played
        played += 1
        target(FromHypothesis(data.draw))

    play()
    return played
