"""Where choices come from: a coverage-guided fuzzer's bytes, or hypothesis."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Draws:
    """A source of choices; 0 and the first of a sequence are the plainest, and the last resort."""

    def below(self, count: int) -> int:
        """An integer from 0 up to, not including, `count`."""
        raise NotImplementedError

    def blob(self, longest: int) -> bytes:
        """Some bytes, possibly none."""
        raise NotImplementedError

    def rest(self) -> bytes:
        """All that is left, for input that is taken as it is."""
        raise NotImplementedError

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def one_in(self, count: int) -> bool:
        """True once in `count` times; never where nothing is left to draw from."""
        return self.below(count) == count - 1

    def place(self, sequence: Sequence[Any]) -> int:
        """An index into a sequence, 0 for an empty one."""
        return self.below(max(1, len(sequence)))


class FromBytes(Draws):
    """Choices out of atheris' data provider; integers come from the end of the input."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def below(self, count: int) -> int:
        return int(self._provider.ConsumeIntInRange(0, count - 1))

    def blob(self, longest: int) -> bytes:
        return bytes(self._provider.ConsumeBytes(self.below(longest + 1)))

    def rest(self) -> bytes:
        return bytes(self._provider.ConsumeBytes(self._provider.remaining_bytes()))


class FromHypothesis(Draws):
    """Choices out of hypothesis, which shrinks towards the plainest."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw

    def below(self, count: int) -> int:
        from hypothesis import strategies as st

        return int(self._draw(st.integers(0, count - 1)))

    def blob(self, longest: int) -> bytes:
        from hypothesis import strategies as st

        return bytes(self._draw(st.binary(max_size=longest)))

    def rest(self) -> bytes:
        return self.blob(400)
