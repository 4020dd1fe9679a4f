"""Which roles run out soon: those that officers sign need people to meet."""

from collections.abc import Iterator

from tuf.api.metadata import Root, Targets

from certsvc.publishing.edition import Edition
from certsvc.publishing.roles import DAY, RoleFiles, seconds_left

#: Officers are asked to meet so long before a role that they sign runs out, in seconds.
WARN_BEFORE = 30 * DAY


def expiring(files: RoleFiles, now: int) -> Iterator[tuple[str, int]]:
    """Root, targets and delegated roles that expire within `WARN_BEFORE`, with seconds left.

    Args:
        files: of the repository; none yet: nothing expires.
        now: Unix seconds.

    Raises:
        TreeUnreadable: the repository is damaged.
    """
    if not files.exist:
        return
    edition = Edition.load(files)
    roles: list[tuple[str, Root | Targets | None]] = [
        (Root.type, edition.root.signed),
        (Targets.type, edition.role(Targets.type)),
    ]
    roles += [(each.name, edition.role(each.name)) for _, each in edition.walk()]
    for name, role in roles:
        left = 0 if role is None else seconds_left(role, now)
        if left < WARN_BEFORE:
            yield name, left
