"""SIGKILL of a real process at every numbered step and around every COMMIT (R07, R08, R14).

After each death a heir starts through the fence, the client repeats its request, and everything
that was ever acknowledged is held against the database, the lists and the log.
"""

import itertools

import pytest

# What each act goes through: numbered steps, then writing transactions.
ISSUE = (7, 2)
CHANGE = (0, 1)
SWEEP = (0, 1)
# The lease, and what is published.
PUBLISH = (7, 2)
# The lease, the places, and what is published.
MERGE = (5, 3)
MOMENTS = ["open", "journaled", "kept"]


@pytest.fixture
def fates(large):
    """Function from how many steps and writing transactions an act has to its deaths."""

    def walk(steps, commits, *, small=None):
        chosen = (steps, commits) if large or small is None else small
        # Death before the journal's record is death before the transaction.
        moments = MOMENTS if large or small is None else MOMENTS[1:]
        at_steps = [["step", number] for number in range(1, chosen[0] + 1)]
        around_commits = itertools.product(["commit"], range(1, chosen[1] + 1), moments)
        return [*at_steps, *map(list, around_commits)]

    return walk


@pytest.fixture
def calm(nursery):
    """Function that issues in a process that is left to live."""
    numbers = itertools.count()

    def issue():
        number = next(numbers)
        killed, made = nursery.live("issue", number=number, key=f"calm-{number}")
        assert not killed
        nursery.states[made] = "valid"
        return made

    return issue


def test_an_issue(nursery, fates):
    for number, die in enumerate(fates(*ISSUE)):
        request = {"number": number, "key": f"key-{number}"}
        assert nursery.live("issue", **request, die=die) == (True, None), die
        with nursery.heir() as one:
            nursery.reader.look(one.keys)
            one.settle()
            again = one.service().issue(one.caller, one.request(number), f"key-{number}")
            nursery.states[again.certificate_id] = "valid"
            one.settle()
            nursery.hold(one)
    nursery.lives("issue", *ISSUE, number=0, key="unharmed")
    nursery.sound()


def test_a_supersession(nursery, calm, fates):
    former = calm()
    # Its steps are those of an issue; both sides of the change are in the second transaction.
    for number, die in enumerate(fates(*ISSUE, small=(0, 2))):
        request = {"former": former, "number": number, "key": f"key-{number}"}
        assert nursery.live("supersede", **request, die=die) == (True, None), die
        with nursery.heir() as one:
            nursery.reader.look(one.keys)
            one.settle()
            again = one.service().supersede(
                one.caller, former, one.successor(number), f"key-{number}"
            )
            nursery.states |= {former: "superseded", again.certificate_id: "valid"}
            one.settle()
            nursery.hold(one)
        former = again.certificate_id
    nursery.lives("supersede", *ISSUE, former=former, number=0, key="unharmed")
    nursery.sound()


def test_a_change_of_state(nursery, calm, fates):
    after = {"suspend": "suspended", "resume": "valid", "revoke": "revoked"}
    one_of_them = calm()
    for operation, die in itertools.product(after, fates(*CHANGE)):
        before = nursery.states[one_of_them]
        request = {"certificate": one_of_them, "operation": operation, "key": f"{operation}-{die}"}
        assert nursery.live("change", **request, die=die) == (True, None), die
        with nursery.heir() as one:
            nursery.reader.look(one.keys)
            view = one.service().change_status(
                one.caller, one_of_them, operation, idempotency_key=request["key"]
            )
            assert view.state == after[operation]
            nursery.states[one_of_them] = after[operation]
            one.settle()
            nursery.hold(one)
            # The next death finds it as this one did.
            if operation == "revoke":
                made = one.service().issue(one.caller, one.request(0), f"next-{die}")
                nursery.states[made.certificate_id] = "valid"
                one_of_them = made.certificate_id
            elif die[-1] != "kept":
                undo = {"suspend": "resume", "resume": "suspend"}[operation]
                nursery.states[one_of_them] = (
                    one.service().change_status(one.caller, one_of_them, undo).state
                )
                assert nursery.states[one_of_them] == before
            one.settle()
    nursery.lives("change", *CHANGE, certificate=one_of_them, operation="suspend", key="unharmed")
    nursery.sound()


def test_a_sweep(nursery, fates):
    """The sweeper itself dies while it finishes what a dead issuer has left."""
    for number, die in enumerate(fates(*SWEEP)):
        request = {"number": number, "key": f"key-{number}"}
        assert nursery.live("issue", **request, die=["step", 4])[0]
        assert nursery.live("sweep", die=die) == (True, None), die
        with nursery.heir() as one:
            one.settle()
            again = one.service().issue(one.caller, one.request(number), f"key-{number}")
            assert again.replayed
            nursery.states[again.certificate_id] = "valid"
            nursery.hold(one)
    nursery.sound()


def test_the_publisher(nursery, calm, fates):
    """A revocation that was acknowledged shows in the end, and never goes away again."""
    # Its numbered steps are shown in tests/worker/test_publisher_kills.py.
    for die in fates(*PUBLISH, small=(0, PUBLISH[1])):
        gone = calm()
        assert nursery.live("change", certificate=gone, operation="revoke", key=gone)[1] is not None
        nursery.states[gone] = "revoked"
        assert nursery.live("publish", die=die) == (True, None), die
        with nursery.heir() as one:
            nursery.reader.look(one.keys)
            one.settle()
            nursery.hold(one)
    nursery.sound()


def test_the_sequencer(nursery, calm, fates):
    # Its numbered steps are shown in tests/worker/test_log.py.
    for die in fates(*MERGE, small=(0, MERGE[1])):
        one_of_them = calm()
        assert not nursery.live(
            "change", certificate=one_of_them, operation="suspend", key=one_of_them
        )[0]
        nursery.states[one_of_them] = "suspended"
        assert nursery.live("merge", die=die) == (True, None), die
        with nursery.heir() as one:
            nursery.reader.look(one.keys)
            one.settle()
            nursery.hold(one)
    nursery.sound()
