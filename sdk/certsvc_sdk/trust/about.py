"""Target `about.json`: which world a trust repository speaks for, and the tree's own address."""

from dataclasses import dataclass
from enum import StrEnum

from certsvc_sdk.errors import Malformed, TrustInvalid
from certsvc_sdk.strict import Json, dumps, integer, loads_object, text
from certsvc_sdk.trust.urls import parse_url

ABOUT_TARGET = "about.json"
ABOUT_VERSION = 1
# Four short members; a kilobyte leaves room for a long address.
MAX_ABOUT = 4096

_MEMBERS = frozenset({"version", "env", "base"})


class Environment(StrEnum):
    """A demonstration must never pass for the real thing (threat T20)."""

    DEMO = "demo"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the repository says of itself.

    Attributes:
        env: demo or production; plain http to loopback is believed only under demo.
        base: the published tree's address inside identifiers, ends in `/`; a reader maps it to
            the mirror it reads from.
    """

    env: Environment
    base: str

    def to_json(self) -> dict[str, Json]:
        """The JSON object of the target."""
        return {"version": ABOUT_VERSION, "env": self.env.value, "base": self.base}

    def to_bytes(self) -> bytes:
        """The target's bytes."""
        return dumps(self.to_json())


def parse_about(data: bytes) -> About:
    """Read the target.

    Args:
        data: verified bytes of `about.json`.

    Raises:
        TrustInvalid: unknown version, environment or member, or a base that is no directory
            address (plain http is allowed to loopback under demo only).
    """
    what = ABOUT_TARGET
    try:
        obj = loads_object(data, max_bytes=MAX_ABOUT, what=what)
        version = integer(obj, "version", what)
        env = text(obj, "env", what)
        base = text(obj, "base", what)
    except Malformed as error:
        raise TrustInvalid(str(error)) from error
    if version != ABOUT_VERSION or obj.keys() != _MEMBERS:
        raise TrustInvalid(f"{what}: unknown version or members")
    if env not in set(Environment):
        raise TrustInvalid(f"{what}: unknown environment")
    about = About(env=Environment(env), base=base)
    check_base(about)
    return about


def check_base(about: About) -> None:
    """Refuse a base address that identifiers cannot stand under.

    Raises:
        TrustInvalid: no directory address, or plain http outside a demonstration.
    """
    url = parse_url(about.base)
    if url is None or not url.is_directory:
        raise TrustInvalid(f"{ABOUT_TARGET}: base must be an https address that ends in /")
    if url.is_loopback_http and about.env is not Environment.DEMO:
        raise TrustInvalid(f"{ABOUT_TARGET}: plain http is for demonstrations")
