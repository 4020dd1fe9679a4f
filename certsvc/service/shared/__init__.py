"""What several machines share through Redis: nothing that could be lost, nothing that is believed.

Every use works without it: a limit counts by machine, a cache is asked in vain, nonces are kept
here. See docs/adr/0018-redis-behind-a-breaker.md.
"""
