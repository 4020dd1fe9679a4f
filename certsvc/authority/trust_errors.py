# ruff: noqa: N818 — names say what is wrong; the stable codes repeat them
"""What work on the trust repository refuses, beside what publishing itself does.

::

    TrustWorkError
    ├── RequestMalformed   request_malformed   no signing request, or not in its one spelling
    ├── RequestRefused     request_refused     it is not what it says
    ├── RequestStale       request_stale       somebody else published, or staged, meanwhile
    ├── RequestExpired     request_expired     what would be signed has expired
    ├── KeyNotInRole       key_not_in_role     none of the roles is signed by this key
    ├── RootUnchecked      root_unchecked      nobody compared the request's root with a known one
    ├── NothingStaged      nothing_staged      no change waits for signatures
    ├── RightTooSoon       right_too_soon      a new right begins before the public delay is over
    └── ChangeRefused      change_refused      no such right, issuer, key or moment
"""


class TrustWorkError(Exception):
    """Root of these refusals; nothing was changed."""

    code = "trust_work_error"


class RequestMalformed(TrustWorkError):
    """The file is no signing request, or is not written in the one way requests are."""

    code = "request_malformed"


class RequestRefused(TrustWorkError):
    """What would be signed is not what the request says, or not what this tool ever makes."""

    code = "request_refused"


class RequestStale(TrustWorkError):
    """Somebody else published or staged meanwhile; the change must be made and signed anew."""

    code = "request_stale"


class RequestExpired(TrustWorkError):
    """What would be signed has expired; or this machine's clock is wrong."""

    code = "request_expired"


class KeyNotInRole(TrustWorkError):
    """The key is not among those that sign any of the roles."""

    code = "key_not_in_role"


class RootUnchecked(TrustWorkError):
    """A script would sign a request whose root nobody has compared with a known one."""

    code = "root_unchecked"


class NothingStaged(TrustWorkError):
    """No change waits for signatures."""

    code = "nothing_staged"


class RightTooSoon(TrustWorkError):
    """New rights are public for a day before they begin (threat T49), unless told otherwise."""

    code = "right_too_soon"


class ChangeRefused(TrustWorkError):
    """There is nothing of that name to change, or it cannot be so."""

    code = "change_refused"
