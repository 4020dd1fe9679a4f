"""What a change of a role means, in Chinese and English, from its content before and after.

Everything that could differ is either said here or refused by `trust_signing.examine`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from tuf.api.metadata import Role, Root, TargetFile, Targets

from certsvc.publishing.delegations import delegates
from certsvc_sdk.errors import TrustInvalid
from certsvc_sdk.trust.record import (
    IssuerRecord,
    KeyRecord,
    Right,
    division_within,
    parse_record,
)

Line = tuple[str, str]
DAY = 24 * 3600


def words_of(
    name: str,
    before: Root | Targets | None,
    after: Root | Targets,
    records: Mapping[str, str],
    *,
    made_at: int,
) -> tuple[Line, ...]:
    """The lines of one role.

    Args:
        name: the role.
        before: as published; None: it is new.
        after: as it would be.
        records: target files by SHA-256, of before and after.
        made_at: when the change was staged, Unix seconds; rights that begin within a day of it,
            or have begun, are pointed out.
    """
    lines: list[Line] = []
    if isinstance(after, Root):
        lines += _root(before if isinstance(before, Root) else None, after)
    else:
        known = before if isinstance(before, Targets) else None
        lines += _delegations(name, known, after)
        lines += _targets(known, after, records, made_at)
    if not lines and before is None:
        lines.append(("新角色，尚无内容", "a new role, with nothing in it yet"))
    if not lines:
        lines.append(("内容不变，仅续期", "nothing changes but the expiry"))
    old = 0 if before is None else before.version
    until = after.expires.strftime("%Y-%m-%d %H:%M UTC")
    lines.append(
        (
            f"{name}：第 {old or '—'} 版 → 第 {after.version} 版，有效至 {until}",
            f"{name}: version {old or '-'} -> {after.version}, valid until {until}",
        )
    )
    return tuple(lines)


def _root(before: Root | None, after: Root) -> Iterator[Line]:
    for name, role in sorted(after.roles.items()):
        old = None if before is None else before.roles[name]
        yield from _keys(name, None if old is None else set(old.keyids), set(role.keyids))
        if old is None or old.threshold != role.threshold:
            yield _threshold(name, None if old is None else old.threshold, role.threshold, role)


def _delegations(name: str, before: Targets | None, after: Targets) -> Iterator[Line]:
    old = {} if before is None else {each.name: each for each in delegates(name, before)}
    new = {each.name: each for each in delegates(name, after)}
    bins = None if after.delegations is None else after.delegations.succinct_roles
    if bins is not None:
        if set(old) != set(new):
            yield (
                f"{name} 的名单分为 {bins.number_of_bins} 个散列分区",
                f"the list of {name} is cut into {bins.number_of_bins} hash bins",
            )
        yield from _bins(name, before, bins)
        new = {}
        old = {gone: each for gone, each in old.items() if each.paths}
    for gone in sorted(old.keys() - new.keys()):
        yield f"取消委托 {gone}", f"delegation to {gone} ends"
    for each in new.values():
        known = old.get(each.name)
        if known is None:
            yield (
                f"新委托 {each.name}，可管理 {'、'.join(each.paths)}",
                f"new delegation to {each.name}, which may speak for {', '.join(each.paths)}",
            )
        was = None if known is None else set(known.role.keyids)
        yield from _keys(each.name, was, set(each.role.keyids))
        threshold = None if known is None else known.role.threshold
        if threshold != each.role.threshold:
            yield _threshold(each.name, threshold, each.role.threshold, each.role)


def _bins(name: str, before: Targets | None, bins: Role) -> Iterator[Line]:
    """Who signs the bins: the same everywhere, so it is said once."""
    delegations = None if before is None else before.delegations
    known = None if delegations is None else delegations.succinct_roles
    yield from _keys(f"{name}-*", None if known is None else set(known.keyids), set(bins.keyids))
    threshold = None if known is None else known.threshold
    if threshold != bins.threshold:
        yield _threshold(f"{name}-*", threshold, bins.threshold, bins)


def _keys(name: str, old: set[str] | None, new: set[str]) -> Iterator[Line]:
    for keyid in sorted((old or set()) - new):
        yield f"{name}：移除密钥 {keyid[:16]}", f"{name}: key {keyid[:16]} is removed"
    for keyid in sorted(new - (old or set())):
        yield f"{name}：加入密钥 {keyid[:16]}", f"{name}: key {keyid[:16]} is added"


def _threshold(name: str, old: int | None, new: int, role: object) -> Line:
    count = len(getattr(role, "keyids", ()))
    was = "" if old is None else f"{old} → "
    return (
        f"{name}：{was}须 {new} 人签字（共 {count} 把密钥）",
        f"{name}: {was}{new} of {count} keys must sign",
    )


def _targets(
    before: Targets | None, after: Targets, records: Mapping[str, str], made_at: int
) -> Iterator[Line]:
    old: Mapping[str, TargetFile] = {} if before is None else before.targets
    for path in sorted(old.keys() - after.targets.keys()):
        yield f"移除 {path}", f"{path} is removed"
    for path, target in sorted(after.targets.items()):
        if old.get(path) == target:
            continue
        office = path.startswith("issuers/")
        record, former = (
            _record(each if office else None, records) for each in (target, old.get(path))
        )
        what = "更新" if path in old else "新增"
        if record is None:
            digest = target.hashes["sha256"][:16]
            yield f"{what}文件 {path}（{digest}）", f"file {path} ({digest}) is written"
            continue
        names = record.names
        yield f"{what}发证机关 {names['zh']} {record.uscc}", f"issuer {names['en']} {record.uscc}"
        yield from ((f"　{zh}", f"  {en}") for zh, en in _record_lines(former, record, made_at))


def _record(target: TargetFile | None, records: Mapping[str, str]) -> IssuerRecord | None:
    if target is None:
        return None
    try:
        return parse_record(records.get(target.hashes["sha256"], "").encode())
    except TrustInvalid:
        return None


def _record_lines(before: IssuerRecord | None, after: IssuerRecord, made_at: int) -> Iterator[Line]:
    yield from _rights(() if before is None else before.rights, after.rights, made_at)
    old_keys = {} if before is None else {key.kid: key for key in before.keys}
    new_keys = {key.kid: key for key in after.keys}
    for kid in sorted(old_keys.keys() - new_keys.keys()):
        yield f"移除签发密钥 {kid[:16]}", f"signing key {kid[:16]} is removed"
    for kid, key in new_keys.items():
        if old_keys.get(kid) != key:
            yield _key(old_keys.get(kid), key)
    for name, value in after.to_json().items():
        if name in ("keys", "rights", "version"):
            continue
        former = None if before is None else before.to_json()[name]
        if before is None or former != value:
            yield f"{name}：{former} → {value}", f"{name}: {former} -> {value}"


def _rights(old: tuple[Right, ...], new: tuple[Right, ...], made_at: int) -> Iterator[Line]:
    for right in old:
        if right in new:
            continue
        shorter = next((each for each in new if lies_within(each, right)), None)
        if shorter is not None:
            yield f"权限收窄为 {_right(shorter)}", f"right is narrowed: {_right(shorter)}"
        else:
            yield f"取消权限 {_right(right)}", f"right ends: {_right(right)}"
    for right in new:
        if not any(lies_within(right, each) for each in old):
            soon = right.not_before < made_at + DAY
            yield (
                f"新权限 {_right(right)}{'（立即生效，无公示期）' if soon else ''}",
                f"new right: {_right(right)}{' (at once, without public delay)' if soon else ''}",
            )


def lies_within(right: Right, other: Right) -> bool:
    """Whether a right allows nothing that the other one does not allow."""
    ends = other.not_after is None or (
        right.not_after is not None and right.not_after <= other.not_after
    )
    longest = other.max_validity is None or (
        right.max_validity is not None and right.max_validity <= other.max_validity
    )
    same = right.vct == other.vct and division_within(right.division, other.division)
    return same and right.not_before >= other.not_before and ends and longest


def _key(before: KeyRecord | None, key: KeyRecord) -> Line:
    state = key.state.value if before is None else f"{before.state.value} -> {key.state.value}"
    cut = "" if key.accept_before_log_index is None else f" < {key.accept_before_log_index}"
    limits = "".join(f" {name}={value}" for name, value in _limits(before, key))
    said = f"{key.kid[:16]} {key.use.value} {key.alg} {state}{cut}{limits}"
    return f"签发密钥 {said}", f"signing key {said}"


def _limits(before: KeyRecord | None, key: KeyRecord) -> Iterator[tuple[str, object]]:
    """What else of a key is set or differs; times as dates, a chain by its hash."""
    old = {} if before is None else before.to_json()
    new = key.to_json()
    for name in ("not_before", "not_after", "compromised_at"):
        if old.get(name) != new[name]:
            value = new[name]
            yield name, moment(value) if isinstance(value, int) else "-"
    if old.get("types") != new["types"]:
        yield "types", "-" if key.types is None else ",".join(key.types)
    if old.get("x5c") != new.get("x5c"):
        chain = "" if key.x5c is None else hashlib.sha256("\n".join(key.x5c).encode()).hexdigest()
        yield "x5c", chain[:16] or "-"


def _right(right: Right) -> str:
    end = "…" if right.not_after is None else moment(right.not_after)
    longest = "" if right.max_validity is None else f" ≤ {right.max_validity // DAY} d"
    return f"{right.vct} {right.division} [{moment(right.not_before)}, {end}){longest}"


def moment(at: int) -> str:
    """Unix seconds for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
