"""What a matter asks of a certificate: the caller's policy, apart from authentic and in force."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from certsvc_sdk.errors import PolicyInvalid

# Where the types of this release keep the code of whoever holds the certificate.
HOLDER_POINTERS = (
    "/holders/*/code",
    "/unified_social_credit_code",
    "/citizen_id",
    "/members/*/citizen_id",
)

_DIVISION = re.compile(r"[0-9]{2}(?:[0-9]{2}){0,2}")
_LISTS = ("types", "claims", "issuer_divisions")
_SECONDS = ("max_trust_age", "max_status_age", "max_certificate_age")
_TEXTS = ("holder", "audience", "nonce")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules of one matter; the default accepts every certificate that is VALID.

    Attributes:
        types: accepted types: a short name (`business-licence`), a `vct` with or without its
            version; None accepts all.
        claims: needed claims, as names or JSON pointers; `*` stands for every array element.
        max_trust_age: seconds; replaces the expiry of the trust data itself.
        max_status_age: seconds; replaces the expiry of the status list itself.
        max_certificate_age: seconds since `iat`.
        issuer_divisions: accepted administrative divisions of the issuer, 2, 4 or 6 digits.
        require_holder_binding: a certificate with a holder key must come with a fresh key-binding
            JWT (RFC 9901 section 7.3); one without a holder key is not acceptable.
        holder: code (USCC, citizen ID) that the certificate must be about.
        audience: who the key-binding JWT must be made for.
        nonce: the value this verifier issued for this presentation.
    """

    types: tuple[str, ...] | None = None
    claims: tuple[str, ...] = ()
    max_trust_age: int | None = None
    max_status_age: int | None = None
    max_certificate_age: int | None = None
    issuer_divisions: tuple[str, ...] | None = None
    require_holder_binding: bool = False
    holder: str | None = field(default=None, repr=False)
    audience: str | None = None
    nonce: str | None = None

    def __post_init__(self) -> None:
        """Refuse what would silently accept or refuse everything.

        Raises:
            PolicyInvalid: a member of another type, an empty list, negative seconds.
        """
        for name in _LISTS:
            value = getattr(self, name)
            if value is None and name != "claims":
                continue
            if not value and name != "claims":
                message = f"an empty {name} accepts nothing; leave it out instead"
                raise PolicyInvalid(message, member=name)
            object.__setattr__(self, name, _texts(value, name))
        for name in _SECONDS:
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 0):
                raise PolicyInvalid(f"{name} must be a number of seconds", member=name)
        for name in _TEXTS:
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value):
                raise PolicyInvalid(f"{name} must be a non-empty string", member=name)
        if not isinstance(self.require_holder_binding, bool):
            raise PolicyInvalid(
                "require_holder_binding must be true or false", member="require_holder_binding"
            )
        if not all(_DIVISION.fullmatch(division) for division in self.issuer_divisions or ()):
            message = "issuer_divisions are 2, 4 or 6 digits"
            raise PolicyInvalid(message, member="issuer_divisions")

    @classmethod
    def from_json(cls, obj: object) -> "Policy":
        """Read a policy from JSON data; members have the names of the attributes.

        Raises:
            PolicyInvalid: not an object, an unknown member (a rule that this release cannot
                judge must not be passed over), or a value of another type.
        """
        if not isinstance(obj, Mapping):
            raise PolicyInvalid("a policy is a JSON object")
        known = {member.name for member in fields(cls)}
        unknown = sorted(str(name) for name in obj if name not in known)
        if unknown:
            message = f"unknown member of the policy: {unknown[0]}"
            raise PolicyInvalid(message, member=unknown[0])
        return cls(**cast("dict[str, Any]", dict(obj)))

    def to_json(self) -> dict[str, Any]:
        """Return the policy as JSON data, without the members left at their defaults."""
        result: dict[str, Any] = {}
        for name, default in _DEFAULTS:
            value = getattr(self, name)
            if value != default:
                result[name] = list(value) if isinstance(value, tuple) else value
        return result


# Looked up once: each verdict carries its policy.
_DEFAULTS = tuple((member.name, member.default) for member in fields(Policy))


def accepts_type(policy: Policy, vct: str) -> bool:
    """Return whether `vct` (`https://<host>/vct/<type>/<version>`) is among the accepted types."""
    if policy.types is None:
        return True
    without_version = vct.rpartition("/")[0]
    short = without_version.rpartition("/")[2]
    return any(wanted in (vct, without_version, short) for wanted in policy.types)


def accepts_division(policy: Policy, division: str) -> bool:
    """Return whether the issuer's administrative division lies within an accepted one."""
    if policy.issuer_divisions is None:
        return True
    return any(division.startswith(wanted) for wanted in policy.issuer_divisions)


def missing_claims(policy: Policy, claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the needed claims that are not shown, in the policy's order and spelling."""
    return tuple(wanted for wanted in policy.claims if not _shown(wanted, claims))


def holder_matches(policy: Policy, claims: Mapping[str, Any]) -> bool:
    """Return whether the certificate is about the wanted holder; one that hides it is not."""
    if policy.holder is None:
        return True
    return any(policy.holder in values(pointer, claims) for pointer in HOLDER_POINTERS)


def values(pointer: str, claims: Any) -> list[Any]:  # noqa: ANN401
    """Return every value at a JSON pointer (RFC 6901), `*` standing for all array elements.

    Absent members give nothing; an element without the member is left out.
    """
    found = [claims]
    for escaped in pointer.split("/")[1:]:
        name = escaped.replace("~1", "/").replace("~0", "~")
        found = [inner for value in found for inner in _step(value, name)]
    return found


def _step(value: Any, name: str) -> list[Any]:  # noqa: ANN401
    if isinstance(value, Mapping):
        return [value[name]] if name in value else []
    if isinstance(value, list):
        if name == "*":
            return value
        # Length before int(): conversion of long digit strings is quadratic.
        index = int(name) if name.isascii() and name.isdigit() and len(name) <= 4 else len(value)
        return value[index : index + 1]
    return []


def _shown(wanted: str, claims: Mapping[str, Any]) -> bool:
    """Tell whether a needed claim is there: with `*`, in every element and in at least one."""
    pointer = wanted if wanted.startswith("/") else "/" + wanted.replace("~", "~0")
    head, star, tail = pointer.partition("/*")
    if not star:
        return bool(values(pointer, claims))
    elements = values(head + "/*", claims)
    if not tail:
        return bool(elements)
    return bool(elements) and all(_shown(tail, element) for element in elements)


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, tuple | list) or not all(
        isinstance(item, str) and item for item in value
    ):
        raise PolicyInvalid(f"{name} must be a list of non-empty strings", member=name)
    return tuple(value)
