"""One rate limit over all machines: the cell rate algorithm (GCRA) as one step in Redis."""

import math
from typing import Any, Final

from certsvc.service.limits import BURST_SECONDS, Budget
from certsvc.service.shared.connection import Shared, SharedUnavailable

_MICRO: Final = 1_000_000

# One atomic step by the server's own clock. What cannot be a due time of ours (garbage, a year from
# now, of another type) counts as none: who can write there must not lock anybody out.
_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local found = redis.pcall('GET', KEYS[1])
local due = type(found) == 'string' and tonumber(found) or now
if not (due >= now and due <= now + tolerance + interval) then due = now end
local ahead = due - now
if ahead > tolerance then return math.ceil(ahead - tolerance) end
local life = math.ceil((ahead + interval) / 1000) + 1
redis.call('SET', KEYS[1], string.format('%.0f', due + interval), 'PX', string.format('%.0f', life))
return 0
"""

_BACK: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local found = redis.pcall('GET', KEYS[1])
local due = type(found) == 'string' and tonumber(found) or now
local earlier = due - tonumber(ARGV[1])
if earlier <= now or due > now + tonumber(ARGV[2]) + tonumber(ARGV[1]) then
  return redis.call('DEL', KEYS[1])
end
local life = math.ceil((earlier - now) / 1000) + 1
redis.call('SET', KEYS[1], string.format('%.0f', earlier), 'PX', string.format('%.0f', life))
return 1
"""


class SharedLimiter:
    """Counts in Redis; by machine while Redis does not answer. A request counts in one of them.

    Args:
        shared: the way to Redis.
        per_second: as for `RateLimiter`; 0 switches the limiter off.
        local: counts while Redis does not.
        kind: keeps the limits of different services apart.
        burst_seconds: how much unused rate a client may save up.
    """

    def __init__(
        self,
        shared: Shared,
        per_second: float,
        *,
        local: Budget,
        kind: str,
        burst_seconds: float = BURST_SECONDS,
    ) -> None:
        self._shared = shared
        self._local = local
        self._kind = f"limit-{kind}"
        interval = 1 / per_second if per_second > 0 else 0.0
        self._interval = round(interval * _MICRO)
        self._tolerance = round(max(burst_seconds - interval, 0.0) * _MICRO)

    def wait(self, key: str) -> int:
        """Count one request; 0 when it may pass, else the whole seconds to wait."""
        if not self._interval:
            return 0
        name = self._shared.key(self._kind, key)

        def count(client: Any) -> Any:  # noqa: ANN401
            return client.eval(_SCRIPT, 1, name, self._interval, self._tolerance)

        try:
            microseconds = self._shared.call(count)
        except SharedUnavailable:
            return self._local.wait(key)
        if not isinstance(microseconds, int) or microseconds < 0:
            return self._local.wait(key)
        # Nobody is ever due later than the whole burst, whatever an answer says.
        ceiling = math.ceil((self._tolerance + self._interval) / _MICRO)
        return min(math.ceil(microseconds / _MICRO), ceiling)

    def give_back(self, key: str) -> None:
        """Uncount one request that was let pass; while Redis is away, by machine."""
        name = self._shared.key(self._kind, key)

        def uncount(client: Any) -> Any:  # noqa: ANN401
            return client.eval(_BACK, 1, name, self._interval, self._tolerance)

        try:
            self._shared.call(uncount)
        except SharedUnavailable:
            self._local.give_back(key)
