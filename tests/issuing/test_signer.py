"""Issuing through a signer process that dies, hangs and lies (R12, T55): nothing wrong gets out."""

import threading

import pytest
from servers.signer import serving

from certsvc.issuing import errors
from certsvc.issuing.model import SupersedeRequest, SweepReport
from certsvc_sdk import sdjwt
from certsvc_sdk.algorithms import PublicKey
from keys.signing.client import SignerKeyStore

MARKET = "119999000000000198"
SHORT = 0.2
GRACE = 5


@pytest.fixture
def path(world):
    return world.folder / "signer" / "signer.sock"


@pytest.fixture
def remote(path):
    """What a web worker has for a key store."""
    store = SignerKeyStore(path, seconds=2.0)
    yield store
    store.close()


class Behind:
    """The real store, whose signatures a test spoils or holds back."""

    def __init__(self, store, spoil):
        self._store = store
        self._spoil = spoil

    def __getattr__(self, name):
        return getattr(self._store, name)

    def signer(self, issuer_id, kid):
        return Spoilt(self._store.signer(issuer_id, kid), self._spoil)


class Spoilt:
    def __init__(self, signer, spoil):
        self._signer, self._spoil = signer, spoil

    def sign(self, data):
        return self._spoil(self._signer, data)


def nothing_released(world):
    assert world.counts()["log_entry"] == 0
    assert world.rows("SELECT count(*) FROM certificate WHERE credential IS NOT NULL") == [(0,)]


def test_a_signer_serves_issuing(world, remote, path, licence):
    with serving(path, world.keys):
        service = world.make(keys=remote)
        made = service.issue(world.caller(), licence(), "key-1")
        again = service.issue(world.caller(), licence(), "key-1")
    assert again.replayed
    # Whoever holds the keys reads what the signer has sealed.
    assert world.service.issue(world.caller(), licence(), "key-1") == again
    token = sdjwt.parse(made.token)
    info = world.keys.get(MARKET, token.jws.header["kid"])
    assert PublicKey.from_jwk(dict(info.public_jwk), info.alg)


def test_a_signer_that_dies_keeps_the_plan_for_its_return(world, remote, path, licence):
    """It dies between plan and signature: 503, and the sweeper ends the work when it is back."""
    with serving(path, world.keys) as server:
        dead = threading.Event()

        def die(step):
            if step == 4:
                server.stop()
                while path_serves(path):
                    dead.wait(0.005)

        with pytest.raises(errors.SigningUnavailable):
            world.make(keys=remote, checkpoint=die).issue(world.caller(), licence(), "key-1")
    nothing_released(world)
    assert world.rows("SELECT state FROM certificate") == [("planned",)]
    # Nobody to ask: new requests are turned away, the sweeper leaves what there is.
    for key in ("key-1", "key-2"):
        with pytest.raises(errors.SigningUnavailable):
            world.make(keys=remote).issue(world.caller(), licence(1), key)
    world.clock.now += GRACE + 1
    assert world.make(keys=remote).sweep(world.clock.now) == SweepReport(left=1)
    world.clock.now += 600
    back = SignerKeyStore(path)
    with serving(path, world.keys):
        assert world.make(keys=back).sweep(world.clock.now) == SweepReport(finished=1)
        found = world.make(keys=back).issue(world.caller(), licence(), "key-1")
        assert found.replayed
        assert found.issued_at == world.clock.now
        back.close()
    assert world.counts()["certificate"] == 1


def path_serves(path):
    import socket

    from keys.signing.door import connect

    try:
        connection = connect(path, seconds=0.1)
    except OSError:
        return False
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()
    return True


def test_a_signature_that_takes_too_long_is_not_waited_for(world, path, licence):
    """The store behind the signer takes five seconds: here, until the test lets it go on."""
    impatient, go = SignerKeyStore(path, seconds=SHORT), threading.Event()

    def slow(signer, data):
        assert go.wait(30)
        return signer.sign(data)

    with serving(path, Behind(world.keys, slow)):
        service = world.make(keys=impatient)
        with pytest.raises(errors.SigningUnavailable):
            service.issue(world.caller(), licence(), "key-1")
        nothing_released(world)
        go.set()
    # The late signature reached nobody; the plan is signed anew.
    world.clock.now += GRACE + 1
    impatient.close()
    back = SignerKeyStore(path)
    with serving(path, world.keys):
        assert world.make(keys=back).sweep(world.clock.now) == SweepReport(finished=1)
        back.close()
    assert world.counts()["log_entry"] == 1


LIES = {
    "empty": lambda signer, data: b"",
    "zeros": lambda signer, data: b"\0" * 64,
    "one bit": lambda signer, data: bytes([signer.sign(data)[0] ^ 1]) + signer.sign(data)[1:],
    "short": lambda signer, data: signer.sign(data)[:-1],
    "other data": lambda signer, data: signer.sign(data + b" "),
}


@pytest.mark.parametrize("lie", LIES)
def test_garbage_for_a_signature_is_not_released(world, remote, path, licence, lie):
    with serving(path, Behind(world.keys, LIES[lie])):
        with pytest.raises(errors.SigningUnavailable):
            world.make(keys=remote).issue(world.caller(), licence(), "key-1")
        nothing_released(world)
    world.clock.now += GRACE + 1
    with serving(path, world.keys):
        assert world.make(keys=remote).sweep(world.clock.now) == SweepReport(finished=1)
    assert world.counts()["log_entry"] == 1


def test_another_key_s_signature_is_not_released(world, remote, path, licence):
    """A signer that mixes up its keys: what it returns is a good signature, of somebody else."""
    other = world.keys.generate(issuer_id="other", alg="ES256", purpose="certificate", now=1)
    for state in ("pre_published", "active"):
        world.keys.set_state("other", other.kid, type(other.state)(state), now=1)
    foreign = world.keys.signer("other", other.kid)
    with serving(path, Behind(world.keys, lambda _, data: foreign.sign(data))):
        with pytest.raises(errors.SigningUnavailable):
            world.make(keys=remote).issue(world.caller(), licence(), "key-1")
        nothing_released(world)


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6])
def test_wherever_the_signer_goes_the_request_can_be_sent_again(world, remote, path, licence, step):
    """Sealing is the signer's work too, even inside the transactions: all or nothing each time."""
    with serving(path, world.keys) as server:
        wait = threading.Event()

        def die(at):
            if at == step:
                server.stop()
                while path_serves(path):
                    wait.wait(0.005)

        service = world.make(keys=remote, checkpoint=die)
        try:
            first = service.issue(world.caller(), licence(), "key-1")
        except errors.SigningUnavailable:
            first = None
    world.clock.now += 61 + GRACE
    back = SignerKeyStore(path)
    with serving(path, world.keys):
        service = world.make(keys=back)
        service.sweep(world.clock.now)
        found = service.issue(world.caller(), licence(), "key-1")
        back.close()
    assert first is None or first.token == found.token
    counts = world.counts()
    assert (counts["certificate"], counts["log_entry"], counts["idempotency"]) == (1, 1, 1)


def test_whatever_is_asked_meanwhile_one_error_says_why(world, path, licence):
    """No other kind of error escapes, in whatever way custody is needed."""
    remote = SignerKeyStore(path)
    with serving(path, world.keys):
        made = world.make(keys=remote).issue(world.caller(), licence(), "key-1")
    asks = [
        lambda service, who: service.issue(who, licence(), "key-1"),
        lambda service, who: service.issue_many(who, [(licence(1), "key-2")]),
        lambda service, who: service.get(who, made.certificate_id),
        lambda service, who: service.find_by_holder(who, "001", "91110000MA00000000"),
        lambda service, who: service.supersede(
            who, made.certificate_id, SupersedeRequest(claims=licence(1).claims), "key-3"
        ),
        lambda service, who: service.change_status(
            who, made.certificate_id, "revoke", "cancelled", idempotency_key="key-4"
        ),
        lambda service, who: service.change_status(who, made.certificate_id, "revoke", "cancelled"),
        lambda service, who: service.second_person.propose(service._job(who, licence(2), "key-5")),
    ]
    # A worker that has met the signer before, and one that starts without it.
    with serving(path, world.keys):
        known = world.make(keys=remote)
        known.get(world.caller(), made.certificate_id)
    for service in (known, world.make(keys=SignerKeyStore(path))):
        for ask in asks:
            try:
                (outcome,) = ask(service, world.caller()) or [None]
            except errors.SigningUnavailable as error:
                outcome = error
            assert isinstance(outcome, errors.SigningUnavailable)
    remote.close()
    assert world.counts()["certificate"] == 1
    assert world.counts()["status_event"] == 0
