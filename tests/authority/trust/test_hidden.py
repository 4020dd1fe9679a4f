"""Requests of a hostile preparer whose words would leave out, or cover up, what is signed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tuf.api.metadata import Metadata, SuccinctRoles, TargetFile, Targets

from certsvc.authority import trust_work
from certsvc.authority.trust_errors import RequestMalformed, RequestRefused
from certsvc.authority.trust_request import read_request
from certsvc.authority.trust_signing import examine
from certsvc.authority.trust_words import words_of

NOW = 1_800_000_000
CITY = "113301000000000206"


@pytest.fixture
def city(begun: Any) -> Any:
    """A city is delegated to below its province; an office of it waits for a signature."""
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    begun.sign_and_publish("abp")
    trust_work.delegate(begun.authority, "3301", begun.holders("q"), now=NOW)
    begun.sign_and_publish("pq")
    begun.add(CITY, "business-licence")
    return begun


def altered(request: Any, name: str, alter: Callable[[Any], None]) -> Any:
    """The request with another part, and words that fit it."""
    metadata = Metadata[Targets].from_bytes(request.parts[name].encode())
    alter(metadata.signed)
    metadata.signatures.clear()
    before = request.published.get(name)
    known = None if before is None else Metadata[Targets].from_bytes(before.encode()).signed
    words = words_of(name, known, metadata.signed, request.records, made_at=request.made_at)
    parts = {**request.parts, name: metadata.to_bytes().decode()}
    return replace(request, parts=parts, words={**request.words, name: words})


def test_a_record_that_is_not_shown_is_not_signed(city: Any) -> None:
    request = city.request()
    (name,) = request.parts
    assert examine(request, now=NOW)
    hidden = altered(replace(request, records={}), name, lambda _: None)
    with pytest.raises(RequestRefused, match="missing or damaged"):
        examine(hidden, now=NOW)


def test_a_record_at_the_place_of_another_office_is_not_signed(city: Any) -> None:
    request = city.request()
    (name,) = request.parts

    def move(signed: Any) -> None:
        (path,) = signed.targets
        target = signed.targets.pop(path)
        other = path.replace(CITY, "113301000000000398")
        signed.targets[other] = TargetFile(target.length, target.hashes, other)

    with pytest.raises(RequestRefused, match="another office"):
        examine(altered(request, name, move), now=NOW)


def test_a_terminal_is_not_written_over(city: Any) -> None:
    request = city.request()
    (name,) = request.parts

    def paint(signed: Any) -> None:
        (target,) = signed.targets.values()
        path = "x/\x1b[2A\x1b[2Kharmless"
        signed.targets[path] = TargetFile(target.length, target.hashes, path)

    with pytest.raises(RequestRefused, match="control characters"):
        examine(altered(request, name, paint), now=NOW)
    named = replace(request, officers={"\x1b[2J": "x"})
    with pytest.raises(RequestMalformed, match="control characters"):
        read_request(named.to_bytes())


def test_replaced_keys_of_bins_are_no_mere_renewal(city: Any) -> None:
    good, bad = city.officer("q").key, city.officer("z").key
    signed = Metadata[Targets].from_bytes(city.request().parts["3301"].encode()).signed
    delegations = Metadata[Targets].from_bytes(city.request().published["33"].encode()).signed
    kind = type(delegations.delegations)
    signed.delegations = kind({good.keyid: good}, None, SuccinctRoles([good.keyid], 1, 5, "3301"))
    before = Targets.from_dict(signed.to_dict())
    signed.delegations = kind({bad.keyid: bad}, None, SuccinctRoles([bad.keyid], 1, 5, "3301"))
    said = " ".join(en for _, en in words_of("3301", before, signed, {}, made_at=NOW))
    assert "nothing changes" not in said
    assert f"key {bad.keyid[:16]} is added" in said
    assert f"key {good.keyid[:16]} is removed" in said


def test_a_province_before_its_city_is_not_signed(begun: Any) -> None:
    trust_work.delegate(begun.authority, "330106", begun.holders("q"), now=NOW)
    trust_work.delegate(begun.authority, "33", begun.holders("p"), now=NOW)
    request = begun.request()
    assert examine(request, now=NOW)

    def overtake(signed: Any) -> None:
        roles = signed.delegations.roles
        signed.delegations.roles = dict(reversed(roles.items()))

    with pytest.raises(RequestRefused, match="does not write"):
        examine(altered(request, "targets", overtake), now=NOW)
