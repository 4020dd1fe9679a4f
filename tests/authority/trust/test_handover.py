"""A role goes from the installation's own key to officers: the former key signs no more."""

from typing import Any

import pytest

from certsvc.authority import trust_work
from certsvc.authority.trust_errors import NothingStaged
from certsvc.authority.trust_publishing import publish_staged
from certsvc.authority.trust_work import Holders, RootChange
from certsvc.authority.world import Authority
from certsvc.publishing import TrustPublisher
from certsvc.publishing.errors import RoleKeyUntrusted
from certsvc_sdk.trust import About, Environment
from keys import KeyInfo, KeyStore, State
from keys.errors import StoreReadOnly

NOW = 1_800_000_000
DAY = 86_400
BASE = "https://certs.example/"
CITY = "113301000000000198"


class UseOnly:
    """A store as a signer process gives it: keys are used and not changed."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def set_state(self, *_: Any, **__: Any) -> KeyInfo:
        raise StoreReadOnly("keys are changed at the store itself")


def over(world: Any, store: Any) -> Authority:
    one = world.authority
    trust = TrustPublisher(one.tree, store)
    return Authority(
        settings=one.settings, keys=store, engine=one.engine, tree=one.tree, trust=trust
    )


def states(world: Any, role: str) -> list[State]:
    return [key.state for key in world.authority.keys.list("trust") if key.role == role]


@pytest.fixture
def own(world: Any) -> Any:
    """Root with officers a and b; the installation signs for the targets itself."""
    about = About(env=Environment.DEMO, base=BASE)
    trust_work.begin(world.authority, about, world.holders("ab", 2), Holders(), now=NOW)
    world.sign_and_publish("ab")
    return world


def hand_over(world: Any, authority: Authority) -> Any:
    trust_work.rotate_root(authority, RootChange(targets=world.holders("xy", 2)), now=NOW)
    return publish_staged(authority, [world.signed("abxy")], now=NOW)


def test_the_former_key_of_the_targets_signs_no_more(own: Any) -> None:
    reader = own.reader()
    reader.refresh()
    result = hand_over(own, own.authority)
    (former,) = [key for key in own.authority.keys.list("trust") if key.role == "targets"]
    assert result.published == ("root", "targets")
    assert (result.retired, result.kept) == ((former.kid,), ())
    assert former.state is State.RETIRED
    assert reader.refresh().get_targetinfo("about.json") is not None
    # The heart-beat goes on to the last day of the officers' year.
    for day in (5, 190, 330):
        assert own.authority.trust.resign(NOW + day * DAY)
    reader.refresh(now=NOW + 330 * DAY)


def test_a_store_that_only_signs_says_what_is_left_to_do(own: Any) -> None:
    signing = over(own, UseOnly(own.authority.keys))
    result = hand_over(own, signing)
    (former,) = [key.kid for key in own.authority.keys.list("trust") if key.role == "targets"]
    assert (result.retired, result.kept) == ((), (former,))
    assert states(own, "targets") == [State.ACTIVE]
    # Nobody is kept from renewing what is online.
    assert signing.trust.resign(NOW + 330 * DAY)
    with pytest.raises(NothingStaged):
        publish_staged(signing, [], now=NOW)
    assert publish_staged(own.authority, [], now=NOW).retired == (former,)
    assert states(own, "targets") == [State.RETIRED]
    with pytest.raises(NothingStaged):
        publish_staged(own.authority, [], now=NOW)


def test_what_a_crash_left_the_heart_beat_retires(own: Any) -> None:
    hand_over(own, over(own, UseOnly(own.authority.keys)))
    assert own.authority.trust.resign(NOW + DAY)
    assert states(own, "targets") == [State.RETIRED]


def test_a_key_no_root_ever_knew_stays_a_fault(own: Any) -> None:
    """A rotation that awaits its root is not taken for a hand-over."""
    keys = own.authority.keys
    made = keys.generate(issuer_id="trust", alg="Ed25519", purpose="trust", role="targets", now=NOW)
    keys.set_state("trust", made.kid, State.PRE_PUBLISHED, now=NOW)
    keys.rotate("trust", made.kid, now=NOW)
    with pytest.raises(RoleKeyUntrusted):
        own.authority.trust.resign(NOW + 60 * DAY)
    assert sorted(states(own, "targets")) == [State.ACTIVE, State.RETIRED]


def test_a_division_goes_to_officers_and_back(own: Any) -> None:
    trust_work.delegate(own.authority, "330100", Holders(), now=NOW)
    own.add(CITY)
    reader = own.reader()
    assert reader.record(CITY) is not None
    change = trust_work.delegate(own.authority, "330100", own.holders("p"), now=NOW)
    assert change.roles == ("330100",)
    assert states(own, "330100") == [State.ACTIVE]
    assert publish_staged(own.authority, [own.signed("p")], now=NOW).retired
    assert states(own, "330100") == [State.RETIRED]
    assert reader.record(CITY) is not None
    assert trust_work.delegate(own.authority, "330100", Holders(), now=NOW).outcome == "published"
    assert sorted(states(own, "330100")) == [State.ACTIVE, State.RETIRED]
    assert reader.record(CITY) is not None
    # Taken back because its key was stolen: that key never comes back with the role.
    assert trust_work.undelegate(own.authority, "330100", now=NOW).retired
    assert reader.record(CITY) is None
    trust_work.delegate(own.authority, "330100", Holders(), now=NOW)
    assert reader.record(CITY) is not None
    assert len(states(own, "330100")) == 3


def test_a_stolen_key_of_a_division_is_replaced(begun: Any) -> None:
    """The top is signed by officers: the key turns when they have signed, not before."""
    trust_work.delegate(begun.authority, "330100", Holders(), now=NOW)
    begun.sign_and_publish("ab")
    begun.add(CITY)
    reader = begun.reader()
    assert reader.record(CITY) is not None
    stolen = begun.authority.trust.edition().role_keys("330100").keyids
    change = trust_work.delegate(begun.authority, "330100", Holders(), now=NOW, new_key=True)
    assert change.roles == ("targets",)
    assert sorted(states(begun, "330100")) == [State.ACTIVE, State.PRE_PUBLISHED]
    # Half of the signatures change nothing; the division goes on being renewed.
    assert not publish_staged(begun.authority, [begun.signed("a")], now=NOW).published
    assert begun.authority.trust.resign(NOW + 60 * DAY)
    assert sorted(states(begun, "330100")) == [State.ACTIVE, State.PRE_PUBLISHED]
    assert publish_staged(begun.authority, [begun.signed("b")], now=NOW).published
    assert sorted(states(begun, "330100")) == [State.ACTIVE, State.RETIRED]
    now_so = begun.authority.trust.edition().role_keys("330100").keyids
    assert set(now_so).isdisjoint(stolen)
    assert reader.record(CITY) is not None
    begun.add(CITY, "business-licence")
    assert begun.authority.trust.resign(NOW + 120 * DAY)


def test_another_key_of_a_division_at_once(world: Any) -> None:
    about = About(env=Environment.DEMO, base=BASE)
    trust_work.begin(world.authority, about, Holders(), Holders(), now=NOW)
    trust_work.delegate(world.authority, "330100", Holders(), now=NOW)
    world.add(CITY)
    reader = world.reader()
    reader.record(CITY)
    trust_work.delegate(world.authority, "330100", Holders(), now=NOW, new_key=True)
    assert sorted(states(world, "330100")) == [State.ACTIVE, State.RETIRED]
    assert reader.record(CITY) is not None
