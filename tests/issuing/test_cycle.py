"""One issuance from request to signed token, and the meaning of its key."""

import json
from contextlib import contextmanager
from dataclasses import replace
from importlib import resources
from threading import Barrier, Thread

import pytest

from certsvc.catalogue import Catalogue
from certsvc.catalogue.codes import check_identifier
from certsvc.issuing import errors
from certsvc.issuing.answers import seed_of
from certsvc.issuing.service import CHUNK, IssuingService
from certsvc.service.engine import make_engine, reading, writing
from certsvc.storage import tables
from certsvc.storage.audit import Audit
from certsvc.storage.certificates import Certificates
from certsvc.storage.issuers import Issuers
from certsvc.storage.log import ISSUE, LogEntries
from certsvc.storage.sealing import Sealing, data_key_name
from certsvc.storage.status_lists import StatusLists
from certsvc_sdk import qr, sdjwt, typemetadata
from certsvc_sdk.log.leaf import issued_of
from certsvc_sdk.trust.record import Right
from certsvc_sdk.verdict import Outcome
from certsvc_sdk.verify import check_fresh
from keys import State

MARKET = "119999000000000198"
POLICE = "119999000000000273"


def test_a_licence_is_issued_verified_and_stored(world, licence):
    issued = world.service.issue(world.caller(), licence(), "key-1")

    verdict = check_fresh(issued.token, world.records[MARKET], world.clock.now)
    assert verdict.outcome is Outcome.VALID
    assert verdict.certificate_identifier == issued.certificate_identifier
    assert check_identifier(issued.certificate_identifier) is None
    assert issued.certificate_identifier.split(".")[-2] == "001"
    assert issued.state == "valid"
    assert issued.issued_at == world.clock.now
    assert not issued.replayed
    assert qr.decode(issued.qr_text).token == issued.token
    assert issued.qr_text.startswith("https://certs.example/v#")
    assert len(bytes.fromhex(issued.certificate_id)) == 16
    assert world.service.get(world.caller(), issued.certificate_id).token == issued.token


def test_header_and_payload_follow_the_wire_format(world, licence):
    issued = world.service.issue(world.caller(), licence(0, operating_to="2046-01-31"), "key-1")
    parsed = sdjwt.parse(issued.token)

    assert list(parsed.jws.header) == ["alg", "typ", "kid"]
    assert parsed.jws.header["typ"] == "dc+sd-jwt"
    payload = json.loads(parsed.jws.payload)
    assert list(payload)[:6] == ["iss", "vct", "certificate_identifier", "iat", "exp", "status"]
    assert list(payload)[6] == "unified_social_credit_code"
    assert payload["iss"] == f"https://certs.example/i/{MARKET}"
    assert payload["vct"] == "https://certs.example/vct/business-licence/1"
    assert payload["status"] == {
        "status_list": {
            "idx": issued.list_index,
            "uri": f"https://certs.example/status/{MARKET}/1",
        }
    }
    assert payload["exp"] == issued.expires_at == 2_401_027_200  # 2046-02-01 00:00 in Shanghai


def test_a_household_is_selective_and_its_seed_makes_the_salts(world, household):
    issued = world.service.issue(world.caller(POLICE), household(), "key-1")
    parsed = sdjwt.parse(issued.token)
    assert b"999984197611021448" not in parsed.jws.payload
    assert parsed.claims().claims["members"][0]["citizen_id"] == "999984197611021448"

    with reading(world.engine) as connection:
        row = Certificates(connection).get(POLICE, issued.certificate_id)
    sealing = Sealing(POLICE, world.keys.data_key(data_key_name(POLICE)))
    seed = seed_of(sealing, row)
    assert qr.decode(issued.qr_text).seed == seed


def test_a_profile_shows_less(world, household):
    core = world.service.issue(world.caller(POLICE), household(0, "core"), "key-1")
    claims = sdjwt.parse(core.token).claims().claims
    assert core.profile == "core"
    assert "citizen_id" not in claims["members"][0]


def test_holders_are_found_by_their_codes_alone(world, household):
    issued = world.service.issue(world.caller(POLICE), household(), "key-1")
    caller = world.caller(POLICE)
    for code in ("999984197611021448", "999953195807261343"):
        assert [
            one.certificate_id for one in world.service.find_by_holder(caller, "111", code)
        ] == [issued.certificate_id]
    assert world.service.find_by_holder(caller, "001", "999984197611021448") == []
    assert world.service.find_by_holder(world.caller(), "111", "999984197611021448") == []


def test_the_same_request_gets_the_same_answer(world, licence):
    first = world.service.issue(world.caller(), licence(), "key-1")
    before = world.counts()
    world.clock.now += 1000
    again = world.make().issue(world.caller(), licence(), "key-1")
    assert again == first
    assert again.replayed
    assert world.counts() == before


def test_the_stored_answer_is_the_one_of_the_issue_even_after_a_revocation(world, licence):
    first = world.service.issue(world.caller(), licence(), "key-1")
    world.service.change_status(world.caller(), first.certificate_id, "revoke", "cancelled")
    assert world.service.issue(world.caller(), licence(), "key-1") == first
    assert world.service.get(world.caller(), first.certificate_id).state == "revoked"


def test_a_key_with_another_content_is_refused(world, licence):
    world.service.issue(world.caller(), licence(0), "key-1")
    with pytest.raises(errors.IdempotencyKeyReused):
        world.service.issue(world.caller(), licence(1), "key-1")
    with pytest.raises(errors.IdempotencyKeyReused):
        world.service.issue(world.caller(), replace(licence(0), profile="core"), "key-1")
    assert world.counts()["certificate"] == 1


def test_a_key_belongs_to_one_client(world, licence):
    one = world.service.issue(world.caller(), licence(), "key-1")
    other = world.service.issue(world.caller(client_id="other"), licence(), "key-1")
    assert one.certificate_id != other.certificate_id


@pytest.mark.parametrize("key", ["", "x" * 129, "a\nb", "键"])
def test_a_key_is_visible_ascii(world, licence, key):
    with pytest.raises(errors.IdempotencyKeyInvalid):
        world.service.issue(world.caller(), licence(), key)


def test_sixteen_threads_with_one_key_make_one_certificate(world, licence):
    barrier, answers, refusals = Barrier(16), [], []

    def post() -> None:
        barrier.wait()
        try:
            answers.append(world.service.issue(world.caller(), licence(), "key-1"))
        except errors.RequestInProgress as error:
            refusals.append(error)

    threads = [Thread(target=post) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) + len(refusals) == 16
    assert len({answer.token for answer in answers}) == 1
    assert world.rows("SELECT count(*), sum(used) FROM status_list")[0][1] == 1
    assert world.counts() | {"audit": 0} == {
        "certificate": 1,
        "idempotency": 1,
        "log_entry": 1,
        "status_event": 0,
        "audit": 0,
    }


def test_two_engines_issue_side_by_side(world, licence):
    """Two workers, each with its own connections, as two processes have."""
    second_engine = make_engine(world.url)
    workers = [world.service, world.make(engine=second_engine)]
    done: list[str] = []

    def run(number: int) -> None:
        for index in range(10):
            key = f"{number}-{index}"
            done.append(
                workers[number].issue(world.caller(), licence(index), key).certificate_identifier
            )

    threads = [Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    second_engine.dispose()
    assert len(set(done)) == 20
    with reading(world.engine) as connection:
        assert Audit(connection).first_fault(MARKET) is None


def test_bad_claims_are_answered_and_not_stored(world, licence):
    before = world.counts()
    bad = licence(0, unified_social_credit_code="91999908MAN1WXW7EA", name="")
    with pytest.raises(errors.ClaimsInvalid) as caught:
        world.service.issue(world.caller(), bad, "key-1")
    assert {(error.path, error.code) for error in caught.value.errors} == {
        ("/unified_social_credit_code", "uscc_check_character"),
        ("/name", "required"),
    }
    assert "91999908MAN1WXW7EA" not in str(caught.value)
    assert world.counts() == before
    # The key is still free: the corrected request may use it.
    assert world.service.issue(world.caller(), licence(0), "key-1").state == "valid"


def test_claims_that_are_no_claims_are_findings(world, licence):
    for claims in ([], None, {"name": float("nan")}, {"name": "\ud800"}, {1: 2, "a": 3}):
        with pytest.raises(errors.IssuingError) as caught:
            world.service.issue(world.caller(), replace(licence(), claims=claims), "key-1")
        assert caught.value.code == "claims_invalid"


def test_unknown_types_versions_and_profiles(world, licence):
    with pytest.raises(errors.TypeUnknown):
        world.service.issue(world.caller(), replace(licence(), type="passport"), "key-1")
    with pytest.raises(errors.TypeUnknown):
        world.service.issue(world.caller(), replace(licence(), version=7), "key-1")
    with pytest.raises(errors.ProfileUnknown):
        world.service.issue(world.caller(), replace(licence(), profile="secret"), "key-1")


def test_rights_are_asked_before_the_signature(world, licence, household):
    """Threat T50: type, time and longest validity."""
    with pytest.raises(errors.NotAuthorisedForType):
        world.service.issue(world.caller(MARKET), household(), "key-1")
    record = world.records[MARKET]
    right = record.rights[0]
    ended = replace(right, not_after=world.clock.now)
    elsewhere = replace(right, division="110000")
    short = replace(right, max_validity=3600)
    for one in (ended, elsewhere, short):
        assert isinstance(one, Right)
        world.set_record(replace(record, rights=(one,)))
        with pytest.raises(errors.NotAuthorisedForType):
            world.service.issue(world.caller(), licence(0, operating_to="2046-01-31"), "key-2")
    assert world.counts()["certificate"] == 0


def test_only_a_published_active_key_signs(world, licence):
    world.new_key(MARKET, active=False)
    with pytest.raises(errors.SigningUnavailable):
        world.service.issue(world.caller(), licence(), "key-1")
    kid = world.records[MARKET].keys[-1].kid
    world.keys.set_state(MARKET, kid, State.RETIRED, now=world.clock.now)
    with pytest.raises(errors.SigningUnavailable):
        world.service.issue(world.caller(), licence(), "key-1")
    assert world.counts()["certificate"] == 0


def test_a_scope_is_needed(world, licence):
    with pytest.raises(errors.ScopeMissing):
        world.service.issue(world.caller(scopes={"read"}), licence(), "key-1")
    issued = world.service.issue(world.caller(), licence(), "key-1")
    with pytest.raises(errors.ScopeMissing):
        world.service.get(world.caller(scopes={"issue"}), issued.certificate_id)
    with pytest.raises(errors.ScopeMissing):
        world.service.change_status(
            world.caller(scopes={"issue"}), issued.certificate_id, "revoke", "cancelled"
        )


def test_another_issuers_certificate_is_not_found(world, licence):
    """Threat T63: the same answer as for one that does not exist."""
    issued = world.service.issue(world.caller(), licence(), "key-1")
    for wanted in (issued.certificate_id, "00" * 16):
        with pytest.raises(errors.CertificateNotFound):
            world.service.get(world.caller(POLICE), wanted)


def test_an_issuer_without_a_readable_record_is_refused(world, licence):
    with pytest.raises(errors.IssuerUnknown):
        world.service.issue(world.caller("nobody"), licence(), "key-1")
    with writing(world.engine) as connection:
        Issuers(connection).set_record(MARKET, "{}", now=world.clock.now)
    with pytest.raises(errors.IssuerUnknown):
        world.service.issue(world.caller(), licence(), "key-1")


def test_a_list_must_be_published_first(world, licence):
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE status_list SET used = size")
    with pytest.raises(errors.StatusListUnpublished):
        world.service.issue(world.caller(), licence(), "key-1")
    # The refusal has prepared the next list for the publisher.
    with reading(world.engine) as connection:
        waiting = StatusLists(connection).due(now=world.clock.now, refresh_before=0)
    (due,) = [one for one in waiting if one.list_no == 2]
    assert due.published_version == 0
    assert world.counts()["certificate"] == 0
    with writing(world.engine) as connection:
        StatusLists(connection).mark_published(MARKET, 2, due.version, now=world.clock.now)
    assert world.service.issue(world.caller(), licence(), "key-1").list_no == 2


def test_many_share_their_commits_and_fail_alone(world, licence):
    requests = [(licence(number), f"key-{number}") for number in range(CHUNK + 10)]
    requests[3] = (licence(3, issued_on="2019-02-30"), "key-3")
    requests[4] = (licence(2), "key-2")
    outcomes = world.service.issue_many(world.caller(), requests)
    codes = [one.code for one in outcomes if isinstance(one, errors.IssuingError)]
    assert codes == ["claims_invalid", "request_in_progress"]
    assert len({one.certificate_id for one in outcomes if hasattr(one, "token")}) == CHUNK + 8
    assert world.rows("SELECT DISTINCT action FROM audit ORDER BY action") == [
        ("certificate.issue",),
        ("certificate.plan",),
    ]


def test_the_audit_row_names_who_acted(world, licence):
    issued = world.service.issue(world.caller(request_id="req-77"), licence(), "key-1")
    with reading(world.engine) as connection:
        rows = Audit(connection).rows(MARKET)
        assert Audit(connection).first_fault(MARKET) is None
    assert [(row.action, row.object, row.client_id, row.request_id) for row in rows] == [
        ("certificate.plan", issued.certificate_id, "c-198", "req-77"),
        ("certificate.issue", issued.certificate_id, "c-198", "req-77"),
    ]


def test_an_issue_leaves_the_leaf_that_its_token_says(world, licence):
    issued = world.service.issue(world.caller(), licence(), "key-1")
    with reading(world.engine) as connection:
        (entry,) = LogEntries(connection).of_certificate(MARKET, issued.certificate_id)
    leaf = issued_of(issued.token.partition("~")[0].rpartition(".")[0].encode())
    assert (entry.seq, entry.log_index, entry.created_at) == (ISSUE, None, world.clock.now)
    assert (entry.leaf.encode(), entry.leaf_hash) == (leaf.to_bytes(), leaf.hash)
    assert leaf.certificate_identifier == issued.certificate_identifier


def test_the_database_file_hides_the_holders(world, licence, household):
    """What is at rest: no code, no name, no seed, no token, no key, no fingerprint."""
    request = household()
    issued = world.service.issue(world.caller(POLICE), request, "999984197611021448")
    licensed = world.service.issue(world.caller(), licence(), "key-1")
    world.service.change_status(
        world.caller(), licensed.certificate_id, "suspend", "other", "孔欣娜来电", "key-2"
    )
    with reading(world.engine) as connection:
        row = Certificates(connection).get(POLICE, issued.certificate_id)
    sealing = Sealing(POLICE, world.keys.data_key(data_key_name(POLICE)))
    seed = seed_of(sealing, row)
    stored = _stored(world)
    assert issued.certificate_identifier.encode() in stored
    members = request.claims["members"]
    secrets = [text for one in members for text in (one["name"], one["citizen_id"])]
    secrets += ["91999908MAN1WXW7EG", "程涵瑜", "咸阳盛世生物科技有限责任公司", "孔欣娜来电"]
    for text in secrets:
        assert text.encode() not in stored
    for hidden in (seed, seed.hex().encode(), issued.token[:80].encode(), b"dc+sd-jwt"):
        assert hidden not in stored


def _stored(world) -> bytes:
    """The database's files, or everything that PostgreSQL gives out of them."""
    if world.engine.dialect.name == "sqlite":
        world.engine.dispose()
        return b"".join(path.read_bytes() for path in world.folder.glob("certsvc.db*"))
    values = [
        value
        for name in tables.metadata.tables
        for row in world.rows(f"TABLE {name}")
        for value in row
    ]
    return b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


def test_a_moved_or_altered_seal_is_told(world, licence):
    first = world.service.issue(world.caller(), licence(0), "key-1")
    second = world.service.issue(world.caller(), licence(1), "key-2")
    with writing(world.engine) as connection:
        connection.exec_driver_sql(
            "UPDATE certificate SET credential = (SELECT credential FROM certificate"
            f" WHERE certificate_id = '{second.certificate_id}')"
            f" WHERE certificate_id = '{first.certificate_id}'"
        )
    with pytest.raises(errors.RecordTampered):
        world.service.get(world.caller(), first.certificate_id)
    with pytest.raises(errors.RecordTampered):
        world.service.issue(world.caller(), licence(0), "key-1")
    # In a batch the tampered row fails alone.
    requests = [(licence(0), "key-1"), (licence(1), "key-2")]
    spoilt, whole = world.service.issue_many(world.caller(), requests)
    assert (spoilt.code, whole) == ("record_tampered", second)


def test_a_broken_database_is_told_as_such(world, licence):
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DROP TABLE log_entry")
    with pytest.raises(errors.StorageUnavailable):
        world.service.issue(world.caller(), licence(), "key-1")


@pytest.fixture
def altered():
    """Function from a change of the licence's type file to a catalogue with that type."""
    file = resources.files("certsvc.catalogue") / "types" / "business-licence.json"

    def make(change) -> Catalogue:
        definition = json.loads(file.read_bytes())
        change(definition)
        return Catalogue.load([json.dumps(definition).encode()])

    return make


def test_a_certificate_too_large_for_readers_is_refused(world, licence, altered):
    def widen(definition) -> None:
        for name in ("business_scope", "domicile", "name"):
            definition["schema"]["properties"][name]["maxLength"] = 10_000

    long = {"business_scope": "文" * 10_000, "domicile": "文" * 10_000}
    service = world.make(catalogue=altered(widen))
    with pytest.raises(errors.CertificateTooLarge):
        service.issue(world.caller(), licence(0, **long), "key-1")
    assert world.counts()["certificate"] == 0
    assert world.rows("SELECT sum(used) FROM status_list") == [(0,)]


def test_a_qr_frame_that_cannot_be_made_stops_the_certificate(world, licence, altered):
    def unknown_dictionary(definition) -> None:
        definition["qr"]["dictionary"] = 99

    service = world.make(catalogue=altered(unknown_dictionary))
    with pytest.raises(errors.SelfCheckFailed, match="QR"):
        service.issue(world.caller(), licence(), "key-1")
    assert world.rows("SELECT state, failures FROM certificate") == [("planned", 1)]


def test_an_operation_the_type_does_not_know(world, licence, altered):
    def only_revoke(definition) -> None:
        operations = definition["status"]["operations"]
        definition["status"]["operations"] = [one for one in operations if one["name"] == "revoke"]

    service = world.make(catalogue=altered(only_revoke))
    issued = service.issue(world.caller(), licence(), "key-1")
    with pytest.raises(errors.OperationUnknown):
        service.change_status(world.caller(), issued.certificate_id, "suspend", "withheld")


def test_a_counter_that_went_back_gives_no_place_twice(world, licence):
    """Threat T42: after an old backup was put back."""
    world.service.issue(world.caller(), licence(0), "key-1")
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE status_list SET used = 0")
    with pytest.raises(errors.StorageUnavailable, match="taken already"):
        world.service.issue(world.caller(), licence(1), "key-2")
    assert world.counts()["certificate"] == 1


def test_custody_that_cannot_be_read_is_told(world, licence, tmp_path):
    with keys_unreadable(tmp_path), pytest.raises(errors.SigningUnavailable):
        world.make().issue(world.caller(), licence(), "key-1")


@contextmanager
def keys_unreadable(tmp_path):
    folder = tmp_path / "keys" / "data"
    hidden = tmp_path / "hidden"
    folder.rename(hidden)
    folder.write_bytes(b"")
    yield
    folder.unlink()
    hidden.rename(folder)


def test_the_service_is_wired_with_keywords(world):
    assert isinstance(world.make(rng=bytes), IssuingService)


def test_a_type_may_tie_its_certificates_to_its_metadata(world, licence, catalogue):
    kind = catalogue.get("business-licence")
    bound = replace(
        kind, definition=kind.definition.model_copy(update={"metadata_integrity": True})
    )
    service = world.make(catalogue=Catalogue([bound]))
    plain = world.service.issue(world.caller(), licence(), "key-1")
    issued = service.issue(world.caller(), licence(), "key-2")
    payload = json.loads(sdjwt.parse(issued.token).jws.payload)
    assert list(payload)[4:5] == ["vct#integrity"]
    metadata = typemetadata.resolve(
        payload["vct"], bound.metadata_document, integrity=payload["vct#integrity"]
    )
    assert typemetadata.check_claims(metadata, sdjwt.parse(issued.token)) == ()
    assert qr.decode(issued.qr_text).token == issued.token
    assert check_fresh(issued.token, world.records[MARKET], world.clock.now).acceptable
    assert "vct#integrity" not in json.loads(sdjwt.parse(plain.token).jws.payload)
