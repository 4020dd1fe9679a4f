"""Keeps the memory of a process that holds keys out of other processes' reach and off the disk."""

import ctypes
import resource

_PR_SET_DUMPABLE = 4


def keep_private() -> bool:
    """Let nothing of this process be dumped, nor be read by others of the same user (prctl(2)).

    Returns:
        Whether the system has agreed to both.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    done: int = ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return done == 0
