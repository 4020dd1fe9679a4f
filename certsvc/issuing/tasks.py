"""Plans on their way to a signature, and the acts that a transaction writes down."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from certsvc.issuing import errors
from certsvc.issuing.model import Issued
from certsvc.issuing.plan import Planned
from certsvc.service.principal import Principal
from certsvc.storage.audit import Act, Audit
from certsvc.storage.idempotency import Scope
from certsvc_sdk.trust.record import IssuerRecord

Checkpoint = Callable[[int], None]
Acts = dict[tuple[Principal, str], list[str]]


class NotTogetherError(Exception):
    """One of several needs a look of its own: the transaction is taken back, each goes alone."""


@dataclass(slots=True, kw_only=True)
class Task:
    """One plan on its way to a signature; exactly one of outcome and the next step remains.

    Attributes:
        principal: Who finishes it.
        planned: The plan as recorded.
        record: The issuer's trust record.
        token: After step 4: the signed token.
        qr_text: After step 5: the text of its QR code; empty where it does not fit any.
        qr_profile: `core` where the code shows less than the certificate; else None.
        outcome: The answer, or why there is none.
    """

    principal: Principal
    planned: Planned
    record: IssuerRecord
    token: str = ""
    qr_text: str = ""
    qr_profile: str | None = None
    outcome: Issued | errors.IssuingError | None = None

    @property
    def scope(self) -> Scope:
        """The Idempotency-Key that the plan belongs to."""
        plan = self.planned.plan
        return Scope(
            issuer_id=self.principal.issuer_id,
            client_id=plan.client_id,
            route=plan.route,
            key_hash=plan.key_hash,
        )


def write_acts(connection: Connection, acts: Acts, *, now: int) -> None:
    """Write the audit rows of a transaction, each principal's and action's together."""
    Audit(connection).extend(
        [
            Act(principal=principal, action=action, object=name)
            for (principal, action), objects in acts.items()
            for name in objects
        ],
        now=now,
    )
