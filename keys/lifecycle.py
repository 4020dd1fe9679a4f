"""The life of a signing key, as pure rules.

generated → pre_published → active → retired → destroyed; from each of them a side exit to
compromised, which is final. A key withdrawn before its first use goes pre_published → retired.
"""

from collections.abc import Mapping
from enum import StrEnum

from keys.errors import TransitionForbidden


class State(StrEnum):
    """Where a key stands."""

    GENERATED = "generated"
    PRE_PUBLISHED = "pre_published"
    ACTIVE = "active"
    RETIRED = "retired"
    DESTROYED = "destroyed"
    COMPROMISED = "compromised"


# A destroyed key may still turn out compromised: a lost backup, found later.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.GENERATED: frozenset({State.PRE_PUBLISHED, State.DESTROYED, State.COMPROMISED}),
    State.PRE_PUBLISHED: frozenset({State.ACTIVE, State.RETIRED, State.COMPROMISED}),
    State.ACTIVE: frozenset({State.RETIRED, State.COMPROMISED}),
    State.RETIRED: frozenset({State.DESTROYED, State.COMPROMISED}),
    State.DESTROYED: frozenset({State.COMPROMISED}),
    State.COMPROMISED: frozenset(),
}

# In these states the private key serves nobody but a thief.
PRIVATE_KEY_ERASED = frozenset({State.DESTROYED, State.COMPROMISED})


def transition(state: State, to: State) -> State:
    """The state after the step.

    Args:
        state: where the key stands.
        to: where it shall stand.

    Returns:
        `to`.

    Raises:
        TransitionForbidden: the life cycle has no step from `state` to `to`.
    """
    if to not in TRANSITIONS[state]:
        raise TransitionForbidden(f"a key cannot go from {state} to {to}")
    return to
