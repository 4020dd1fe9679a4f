"""The named policies of a department: one for each service item, kept in one file."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from certsvc_sdk.errors import PolicyInvalid
from certsvc_sdk.policy import grammar
from certsvc_sdk.policy.grammar import below, refused
from certsvc_sdk.policy.rules import PRESENTED, Policy

# Service items of a department; the strict parser allows no wider object.
MAX_POLICIES: Final = 256
# Each of them a page of rules.
MAX_FILE: Final = 1024 * 1024
NAME: Final = "name"

_CALL_MEMBERS: Final = frozenset((NAME, *PRESENTED))


class Policies:
    """Policies by name. A caller may name one and add what belongs to the presentation only."""

    __slots__ = ("_by_name",)

    def __init__(self, by_name: Mapping[str, Policy]) -> None:
        self._by_name = dict(by_name)

    @classmethod
    def from_json(cls, obj: object) -> "Policies":
        """Read `{name: policy, …}`; the form is `$defs/policies` of `policy.schema.json`.

        Raises:
            PolicyInvalid: not such an object; names the place.
        """
        if not isinstance(obj, Mapping) or not 0 < len(obj) <= MAX_POLICIES:
            raise refused(
                "",
                f"应为 1 至 {MAX_POLICIES} 项的对象：名称与办理规则",
                f"should be an object of 1 to {MAX_POLICIES} names and their policies",
                fault=PolicyInvalid.TYPE_INVALID,
            )
        read = {}
        for name, one in obj.items():
            where = below("", str(name))
            known = grammar.name(name, where)
            try:
                read[known] = Policy.from_json(one)
            except PolicyInvalid as error:
                raise error.within(where) from error
        return cls(read)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Policies":
        """Read a file's content: one JSON object of names and policies.

        Raises:
            Malformed: no acceptable JSON.
            PolicyInvalid: a policy is not well formed; names the place.
        """
        from certsvc_sdk import strict  # only where a file is read

        return cls.from_json(strict.loads(data, max_bytes=MAX_FILE, what="policies"))

    def choose(self, wanted: object) -> Policy:
        """Return the policy that a request names.

        Args:
            wanted: a name, or an object with `name` and any of `holder`, `audience`, `nonce` and
                `given`. The rules of the matter cannot be changed by whoever names it.

        Raises:
            PolicyInvalid: no such name, another member, or a value of another type.
        """
        found: dict[str, Any] = {NAME: wanted}
        place = ""
        if not isinstance(wanted, str):
            found, place = grammar.members(wanted, "", _CALL_MEMBERS), f"/{NAME}"
        name = found.pop(NAME, None)
        policy = self._by_name.get(name) if isinstance(name, str) else None
        if policy is None:
            raise refused(place, "没有这个名称的办理规则", "there is no policy of this name")
        for member, value in found.items():
            if value is None:  # it would lift what the matter asks
                raise refused(f"/{member}", "不能为 null", "must not be null")
        return replace(policy, **found) if found else policy

    def __iter__(self) -> Iterator[tuple[str, Policy]]:
        """Yield names and policies in the order of the file."""
        return iter(self._by_name.items())

    def __len__(self) -> int:
        return len(self._by_name)

    def to_json(self) -> dict[str, Any]:
        """Return all policies as JSON data."""
        return {name: policy.to_json() for name, policy in self._by_name.items()}
