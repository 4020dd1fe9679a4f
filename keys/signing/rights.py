"""Who may ask the signer process for what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from keys.errors import NameInvalid, UseForbidden
from keys.record import FILE_NAME
from keys.store import PURPOSES

#: Beside the purposes of keys: sealing, opening and hashing with data keys.
DATA = "data"
WORDS = PURPOSES | {DATA}
_GRANT = re.compile(r"([a-z]+)(?:@([^@,]+))?")


@dataclass(frozen=True, slots=True)
class Grant:
    """One use; `name` limits it to an issuer's keys or to one data key, None to nobody's."""

    word: str
    name: str | None = None

    def covers(self, word: str, name: str) -> bool:
        """Whether it allows this use."""
        return self.word == word and self.name in (None, name)


Grants = frozenset[Grant]
EVERYTHING: Grants = frozenset(Grant(word) for word in WORDS)


def read_grants(text: str) -> Grants:
    """Reads `certificate,status@119999000000000198,data`.

    Args:
        text: purposes of keys, or `data`, with commas; `@` limits one to an issuer's keys, or
            `data` to the data key of that name.

    Raises:
        NameInvalid: no such purpose, or a name of a forbidden form.
    """
    found = set()
    for part in text.split(","):
        match = _GRANT.fullmatch(part.strip())
        if match is None or match[1] not in WORDS:
            raise NameInvalid(f"{part[:64]!r} is none of {', '.join(sorted(WORDS))}")
        if match[2] is not None and not FILE_NAME.fullmatch(match[2]):
            raise NameInvalid(f"{match[2][:64]!r} is no safe name")
        found.add(Grant(match[1], match[2]))
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Users of the machine and what each of them may have done.

    Whoever may connect may read what keys there are: published records repeat it.

    Attributes:
        users: grants by user id.
    """

    users: Mapping[int, Grants] = field(default_factory=dict)

    def knows(self, uid: int) -> bool:
        """Whether this user may connect at all."""
        return uid in self.users

    def require(self, uid: int, word: str, name: str) -> None:
        """Let one use pass.

        Args:
            uid: who asks.
            word: the key's purpose, or `data`.
            name: whose key, or the data key's name.

        Raises:
            UseForbidden: the user was given no such use.
        """
        if not any(grant.covers(word, name) for grant in self.users.get(uid, frozenset())):
            raise UseForbidden(f"user {uid} may not have {word} of {name} used")
