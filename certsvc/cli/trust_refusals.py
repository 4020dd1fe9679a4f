"""Why work on trust is refused: each code in a sentence of Chinese and of English."""

from collections.abc import Mapping
from types import MappingProxyType

#: Code → Chinese, English.
SENTENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "request_malformed": (
            "不是本版本的签字请求，或已被改动；请 trust withdraw 后重做",
            "No signing request of this release, or altered: withdraw and make it anew",
        ),
        "request_refused": (
            "请求与其所述不符，不要签字；请查明来源",
            "The request is not what it says: do not sign, and find out where it comes from",
        ),
        "request_stale": (
            "其间已有他人发布或改动；请 trust withdraw，重做并重签",
            "Published or changed meanwhile: withdraw, make the change and sign it anew",
        ),
        "request_expired": (
            "待签内容已过期，或本机时钟不准",
            "What would be signed has expired, or this machine's clock is wrong",
        ),
        "key_not_in_role": (
            "此密钥不在这些角色之列；请核对密钥库",
            "The key signs none of these roles: is it the right key store?",
        ),
        "root_unchecked": (
            "未核对信任根，不能用 --yes 签字；请加 --root",
            "The root was not checked: give --root, or say --any-root",
        ),
        "nothing_staged": ("没有待签变更", "No change waits for signatures"),
        "right_too_soon": (
            "新权限须公示 24 小时；请推后起始时间，或用 --at-once",
            "New rights are public for 24 hours first: begin later, or say --at-once",
        ),
        "change_refused": (
            "没有这样的权限、机关、密钥或时间，或不能这样改",
            "There is nothing of that name to change, or it cannot be so",
        ),
    }
)
