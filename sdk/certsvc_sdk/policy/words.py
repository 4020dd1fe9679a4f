"""What the rules of a policy are in words, Chinese and English.

`{claim}` stands for the claim's label, put in where labels are known. What a claim is compared
with is not said where it may be about a person: texts never are, bounds of the policy are.
"""

from collections.abc import Iterator
from typing import Any, Final

from certsvc_sdk.policy.operators import OPERATORS, Days, bound_day
from certsvc_sdk.policy.pointers import ABSENT, EVERY
from certsvc_sdk.policy.predicates import Predicate
from certsvc_sdk.policy.rules import Policy, TypeVersions

Said = tuple[str, str]

NOT_SHOWN: Final[Said] = ("未显示{claim}", "{claim} is not shown")
NOT_GIVEN: Final[Said] = (
    "未提供用于核对{claim}的值",
    "no value was given to compare {claim} with",
)
UNBOUND: Final[Said] = (
    "须由持证人设备出示，而证照未登记持证人密钥",
    "the holder's device must present it, but the certificate names no holder key",
)
HOLDER: Final[Said] = ("持证主体须与申请人一致", "the holder must be the applicant")

_DAY: Final = 86_400
_MINUTE: Final = 60


def types(accepted: tuple[str | TypeVersions, ...]) -> Said:
    """Say which types are accepted."""
    zh, en = _listed(accepted)
    return f"证照类型须为 {zh}", f"the type must be {en}"


def divisions(accepted: tuple[str, ...]) -> Said:
    """Say where the issuer must be."""
    return (
        f"发证机关所在地须属于 {'、'.join(accepted)}",
        f"the issuer must be in {', '.join(accepted)}",
    )


def age(limit: int) -> Said:
    """Say how old a certificate may be."""
    zh, en = seconds(limit)
    return f"签发至今不得超过{zh}", f"it must have been issued within {en}"


def seconds(count: int) -> Said:
    """Say a time in whole days or minutes where it is that, else in seconds."""
    if count and count % _DAY == 0:
        return f" {count // _DAY} 天", f"{count // _DAY} days"
    if count and count % _MINUTE == 0:
        return f" {count // _MINUTE} 分钟", f"{count // _MINUTE} minutes"
    return f" {count} 秒", f"{count} seconds"


def demand(
    predicate: Predicate,
    operand: Any,  # noqa: ANN401
    moment: int | None,
) -> Said:
    """Say what a predicate demands of its claim.

    Args:
        predicate: the rule.
        operand: what the claim is compared with.
        moment: Unix seconds; days counted from the check are said as dates. None: as counted.
    """
    if predicate.zh is not None and predicate.en is not None:
        return predicate.zh, predicate.en
    operator = OPERATORS[predicate.op]
    zh, en = _bound(predicate, operand, moment)
    head_zh, head_en = "{claim}", "{claim} "
    if predicate.match == "any" and EVERY in predicate.claim:
        head_zh, head_en = "至少一项{claim}", "at least one {claim} "
    return (
        head_zh + operator.zh.replace("{value}", zh).strip(),
        head_en + operator.en.replace("{value}", en),
    )


def policy_lines(policy: Policy) -> Iterator[Said]:
    """Yield the rules of a policy, one a line, for whoever writes it."""
    if policy.title is not None:
        yield policy.title["zh"], policy.title["en"]
    if policy.types is not None:
        yield types(policy.types)
    for wanted in policy.claims:
        yield f"须显示 {wanted}", f"{wanted} must be shown"
    for one in policy.predicates:
        yield _predicate_line(one)
    if policy.issuer_divisions is not None:
        yield divisions(policy.issuer_divisions)
    for name, (zh, en) in _AGES.items():
        limit = getattr(policy, name)
        if limit is not None:
            said = seconds(limit)
            yield zh + said[0], en + said[1]
    for name, said in _DEMANDS.items():
        if getattr(policy, name):
            yield said


def _predicate_line(one: Predicate) -> Said:
    """Say a predicate with all it compares with: whoever asks wrote it."""
    zh, en = demand(one, ABSENT if one.given else one.value, None)
    zh, en = zh.replace("{claim}", f" {one.claim} ").strip(), en.replace("{claim}", one.claim)
    if one.given is not None:
        zh, en = f"{zh}（由申请提供：{one.given}）", f"{en} (given: {one.given})"
    elif isinstance(one.value, tuple | str | bool) and one.op in _TEXTUAL:
        listed = one.value if isinstance(one.value, tuple) else (one.value,)
        shown = ", ".join(map(str, listed))
        zh, en = f"{zh}：{shown}", f"{en}: {shown}"
    if one.absent == "accept":
        zh, en = f"{zh}，证照无此项亦可", f"{en}, or the certificate has none"
    if one.types is not None:
        only = _listed(one.types)
        zh, en = f"{zh}（仅适用于 {only[0]}）", f"{en} (for {only[1]} only)"
    return zh, en


def _bound(predicate: Predicate, operand: Any, moment: int | None) -> Said:  # noqa: ANN401
    """Say a bound; what the caller gave stays unsaid."""
    if predicate.given is not None or operand is ABSENT:
        return "申请提供的值", "the value given"
    if isinstance(operand, Days):
        if moment is None:
            return _counted(operand.days)
        operand = bound_day(operand, moment)
    return f" {operand} ", str(operand)


def _counted(days: int) -> Said:
    if not days:
        return "核验当日", "the day of the check"
    side = ("后", "from now") if days > 0 else ("前", "ago")
    return f"核验当日{side[0]} {abs(days)} 天", f"{abs(days)} days {side[1]}"


def _listed(accepted: tuple[str | TypeVersions, ...]) -> Said:
    spoken = [(one, one) if isinstance(one, str) else _versions(one) for one in accepted]
    return "、".join(zh for zh, _ in spoken), ", ".join(en for _, en in spoken)


def _versions(one: TypeVersions) -> Said:
    if one.max_version is None:
        least = one.min_version
        return f"{one.type}（第 {least} 版起）", f"{one.type} from version {least}"
    return (
        f"{one.type}（第 {one.min_version} 至 {one.max_version} 版）",
        f"{one.type} versions {one.min_version} to {one.max_version}",
    )


_TEXTUAL: Final = frozenset(("equals", "one_of", "none_of", "starts_with", "contains"))
_AGES: Final = {
    "max_certificate_age": ("签发至今不得超过", "issued within "),
    "max_status_age": ("状态数据不得早于", "status data not older than "),
    "max_trust_age": ("信任数据不得早于", "trust data not older than "),
}
_DEMANDS: Final = {
    "require_log_proof": ("须有签发公示证明", "a proof from the transparency log is needed"),
    "require_holder_binding": (
        "须由持证人设备当场出示",
        "the holder's device must present it now",
    ),
    "holder": HOLDER,
    "audience": ("出示须指向本核验方", "the presentation must be made for this verifier"),
    "nonce": ("出示须使用本次随机数", "the presentation must use this check's nonce"),
}
