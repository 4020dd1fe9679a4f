"""The worker: the one program that publishes, re-signs and finishes what a crash left behind.

Any number of workers may run; one at a time holds the lease `publisher` and writes the tree. Each
duty has a thread of its own, so that a slow one keeps none of the others waiting.
"""

from certsvc.worker.running import make_worker, run
from certsvc.worker.worker import Worker, work

__all__ = ["Worker", "make_worker", "run", "work"]
