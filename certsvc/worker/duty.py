"""What a worker can be given to do."""

from typing import Protocol


class Duty(Protocol):
    """One thing that a worker does again and again, while it holds the lease.

    Attributes:
        name: tells duties apart in logs.
        pause: seconds between two looks at whether something is due.
    """

    @property
    def name(self) -> str:
        """See above."""
        ...

    @property
    def pause(self) -> float:
        """See above."""
        ...

    def do(self, fence: int) -> int:
        """Do everything that is due; called by one thread at a time.

        Args:
            fence: the lease's fencing number when the look began; before a pointer moves, the
                duty asks `Tenure.keeps` whether it is still the one.

        Returns:
            How much was published.

        Raises:
            DatabaseUnavailable: nothing can be known; the database still says what is due.
        """
        ...
