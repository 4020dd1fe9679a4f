"""The rules of one matter as data: what a department writes down and a check is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from certsvc_sdk.policy import grammar
from certsvc_sdk.policy.grammar import MAX_GIVEN, MAX_PREDICATES, below, refused

if TYPE_CHECKING:
    from certsvc_sdk.policy.predicates import Predicate

# What belongs to one presentation and not to the matter: a stored policy takes these alone.
PRESENTED: Final = ("holder", "audience", "nonce", "given")

# Versions of a type are counted; their text in a `vct` is short.
_MAX_VERSION_DIGITS: Final = 6
_LAST_VERSION: Final = 10**_MAX_VERSION_DIGITS - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeVersions:
    """Versions of a type, both bounds included.

    Attributes:
        type: a short name (`business-licence`), or a `vct` without its version.
        min_version: oldest accepted version.
        max_version: newest accepted version; None: all later ones.
    """

    type: str
    min_version: int = 1
    max_version: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data, without an open upper bound."""
        shown = {"type": self.type, "min_version": self.min_version}
        return shown if self.max_version is None else {**shown, "max_version": self.max_version}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules of one matter; the default accepts every certificate that is VALID.

    Attributes:
        title: what the matter is called, by language (`zh`, `en`).
        types: accepted types: a short name (`business-licence`), a `vct` with or without its
            version, or `TypeVersions`; None accepts all.
        claims: needed claims, as names or JSON pointers; `*` stands for every array element.
        predicates: rules about single claims.
        given: values of the case at hand that predicates name; mostly about a person.
        max_trust_age: seconds; replaces the expiry of the trust data itself.
        max_status_age: seconds; replaces the expiry of the status list itself.
        max_certificate_age: seconds since `iat`.
        issuer_divisions: accepted administrative divisions of the issuer, 2, 4 or 6 digits.
        require_log_proof: the certificate must stand in the issuer's transparency log; without a
            proof the answer is UNKNOWN (`log_proof_missing`).
        require_holder_binding: a certificate with a holder key must come with a fresh key-binding
            JWT (RFC 9901 section 7.3); one without a holder key is not acceptable.
        holder: code (USCC, citizen ID) that the certificate must be about.
        audience: who the key-binding JWT must be made for.
        nonce: the value this verifier issued for this presentation.

    The constructor takes lists and JSON data wherever `from_json` does.
    """

    title: Mapping[str, str] | None = field(default=None, hash=False)
    types: tuple[str | TypeVersions, ...] | None = None
    claims: tuple[str, ...] = ()
    predicates: "tuple[Predicate, ...]" = ()
    given: Mapping[str, grammar.Scalar] | None = field(default=None, repr=False, hash=False)
    max_trust_age: int | None = None
    max_status_age: int | None = None
    max_certificate_age: int | None = None
    issuer_divisions: tuple[str, ...] | None = None
    require_log_proof: bool = False
    require_holder_binding: bool = False
    holder: str | None = field(default=None, repr=False)
    audience: str | None = None
    nonce: str | None = None
    # What a check would else work out each time.
    _json: Mapping[str, Any] = field(init=False, repr=False, compare=False)
    _asks: bool = field(init=False, repr=False, compare=False)
    _operands: tuple[Any, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what would silently accept or refuse everything.

        Raises:
            PolicyInvalid: a member of another type, an empty list, negative seconds, an unknown
                operator; names the place.
        """
        changed: dict[str, Any] = {}
        for name, default in _DEFAULTS:
            value = getattr(self, name)
            if value is not default:
                value = _READERS[name](value, f"/{name}") if value is not None else None
                if value is None and default is not None:
                    raise refused(f"/{name}", "不能为 null", "must not be null")
                object.__setattr__(self, name, value)
                if value != default:
                    changed[name] = value
        shown = {name: grammar.plain(value) for name, value in changed.items() if name != "given"}
        operands = tuple(one.operand(self.given or {}) for one in self.predicates)
        object.__setattr__(self, "_json", shown)
        object.__setattr__(self, "_asks", not _JUDGED.isdisjoint(changed))
        object.__setattr__(self, "_operands", operands)

    @classmethod
    def from_json(cls, obj: object) -> "Policy":
        """Read a policy from JSON data; members have the names of the attributes.

        The form is that of `policy.schema.json` beside this module.

        Raises:
            PolicyInvalid: not an object, an unknown member (a rule that this release cannot
                judge must not be passed over), or a value of another type.
        """
        return cls(**grammar.members(obj, "", MEMBERS))

    def to_json(self) -> dict[str, Any]:
        """Return the policy as JSON data, without `given` and the members left at their defaults.

        `given` is about the case at hand and mostly about a person: it is no rule of the matter.
        """
        # Whoever gets it may change it: the policy stays as it was.
        return {name: grammar.plain(value) for name, value in self._json.items()}


def _title(value: object, pointer: str) -> Mapping[str, str]:
    return grammar.words(value, pointer)


def _types(value: object, pointer: str) -> tuple[str | TypeVersions, ...]:
    # An empty list accepts nothing; leave it out instead.
    return grammar.items(value, pointer, _type, least=1)


def _type(value: object, pointer: str) -> str | TypeVersions:
    if isinstance(value, TypeVersions):
        value = value.to_json()
    if isinstance(value, str):
        return grammar.text(value, pointer)
    found = grammar.members(value, pointer, _VERSION_MEMBERS)
    name = grammar.text(found.get("type"), f"{pointer}/type")
    least = _version(found.get("min_version", 1), f"{pointer}/min_version")
    if "max_version" not in found:
        return TypeVersions(type=name, min_version=least)
    most = _version(found["max_version"], f"{pointer}/max_version")
    if most < least:
        raise refused(
            f"{pointer}/max_version",
            "不能小于 min_version：没有版本可接受",
            "must not be below min_version: no version would be accepted",
        )
    return TypeVersions(type=name, min_version=least, max_version=most)


def _version(value: object, pointer: str) -> int:
    return grammar.whole(value, pointer, least=1, most=_LAST_VERSION)


def _claims(value: object, pointer: str) -> tuple[str, ...]:
    return grammar.items(value, pointer, grammar.claim)


def _predicates(value: object, pointer: str) -> "tuple[Predicate, ...]":
    from certsvc_sdk.policy.predicates import Predicate  # most policies have none

    return grammar.items(
        value,
        pointer,
        lambda one, where: Predicate.read(one, where, _types),
        most=MAX_PREDICATES,
    )


def _divisions(value: object, pointer: str) -> tuple[str, ...]:
    return grammar.items(value, pointer, grammar.division, least=1)


def _given(value: object, pointer: str) -> Mapping[str, grammar.Scalar]:
    if not isinstance(value, Mapping) or len(value) > MAX_GIVEN:
        raise refused(
            pointer,
            f"应为至多 {MAX_GIVEN} 项的对象",
            f"should be an object of at most {MAX_GIVEN} members",
        )
    read: dict[str, grammar.Scalar] = {}
    for name, one in value.items():
        where = below(pointer, str(name))
        read[grammar.name(name, where)] = grammar.scalar(one, where)
    return read


_READERS: Final[Mapping[str, Callable[[object, str], Any]]] = {
    "title": _title,
    "types": _types,
    "claims": _claims,
    "predicates": _predicates,
    "given": _given,
    "max_trust_age": grammar.whole,
    "max_status_age": grammar.whole,
    "max_certificate_age": grammar.whole,
    "issuer_divisions": _divisions,
    "require_log_proof": grammar.flag,
    "require_holder_binding": grammar.flag,
    "holder": grammar.text,
    "audience": grammar.text,
    "nonce": grammar.text,
}
_DEFAULTS: Final = tuple((one.name, one.default) for one in fields(Policy) if one.init)
MEMBERS: Final = frozenset(_READERS)
_VERSION_MEMBERS: Final = frozenset(one.name for one in fields(TypeVersions))
# Members that can make a true certificate unacceptable; the others are asked elsewhere.
_JUDGED: Final = frozenset(
    ("types", "claims", "predicates", "max_certificate_age", "issuer_divisions", "holder")
) | {"require_holder_binding"}


def accepts_type(policy: Policy, vct: str) -> bool:
    """Return whether `vct` (`https://<host>/vct/<type>/<version>`) is among the accepted types."""
    return policy.types is None or is_among(policy.types, vct)


def is_among(types: tuple[str | TypeVersions, ...], vct: str) -> bool:
    """Return whether one of `types` names this `vct`."""
    without_version, _, version = vct.rpartition("/")
    names = (without_version, without_version.rpartition("/")[2])
    return any(
        one == vct or one in names
        if isinstance(one, str)
        else one.type in names and _is_within(version, one)
        for one in types
    )


def _is_within(version: str, wanted: TypeVersions) -> bool:
    # One spelling a version: 007 is not 7, and length before int().
    if not (version.isascii() and version.isdigit() and len(version) <= _MAX_VERSION_DIGITS):
        return False
    number = int(version)
    inside = number >= wanted.min_version and number <= (wanted.max_version or number)
    return inside and str(number) == version


def accepts_division(policy: Policy, division: str) -> bool:
    """Return whether the issuer's administrative division lies within an accepted one."""
    return policy.issuer_divisions is None or division.startswith(policy.issuer_divisions)
