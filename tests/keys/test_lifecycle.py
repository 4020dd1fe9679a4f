"""The life cycle admits the steps of the rule and no other."""

import itertools

import pytest

from keys.errors import TransitionForbidden
from keys.lifecycle import State, transition

ALLOWED = {
    ("generated", "pre_published"),
    ("generated", "destroyed"),
    ("generated", "compromised"),
    ("pre_published", "active"),
    ("pre_published", "retired"),
    ("pre_published", "compromised"),
    ("active", "retired"),
    ("active", "compromised"),
    ("retired", "destroyed"),
    ("retired", "compromised"),
    ("destroyed", "compromised"),
}


@pytest.mark.parametrize(("state", "to"), list(itertools.product(State, State)))
def test_every_step(state: State, to: State) -> None:
    if (state.value, to.value) in ALLOWED:
        assert transition(state, to) is to
    else:
        with pytest.raises(TransitionForbidden) as caught:
            transition(state, to)
        assert caught.value.code == "transition_forbidden"
