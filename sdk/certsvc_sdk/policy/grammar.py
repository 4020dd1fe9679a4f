"""What the members of a policy may be: small readers that refuse by JSON pointer.

The same rules stand in `policy.schema.json`; a test holds the two to each other.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard, TypeVar

from certsvc_sdk.errors import PolicyInvalid

# A claim, an address or a name in a form of an office; the longest `vct` has under 200.
MAX_TEXT: Final = 512
# A sentence that a clerk reads at a glance.
MAX_WORDS: Final = 200
# A city has about 150 types of certificates; no matter accepts more.
MAX_LIST: Final = 256
# Rules of one matter; each is judged for every certificate.
MAX_PREDICATES: Final = 64
# Values of one application form.
MAX_GIVEN: Final = 64
# RFC 8259 section 6: integers above this lose precision in other readers.
MAX_NUMBER: Final = 2**53 - 1
# The strict parser allows no deeper claims.
MAX_PARTS: Final = 16
# Of an unknown member's name this much tells which it is.
_SHOWN: Final = 64

_LANGS: Final = ("zh", "en")
_DIGITS: Final = frozenset("0123456789")
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")

Scalar = str | int | float | bool
T = TypeVar("T")


def refused(
    pointer: str, zh: str, en: str, *, fault: str = PolicyInvalid.FORMAT_INVALID
) -> PolicyInvalid:
    """Return the refusal of one place of a policy."""
    return PolicyInvalid(en, zh=zh, pointer=pointer, fault=fault)


def below(pointer: str, name: str) -> str:
    """Return the JSON pointer of a member (RFC 6901 section 3), a long name cut short."""
    return f"{pointer}/{name[:_SHOWN].replace('~', '~0').replace('/', '~1')}"


def members(obj: object, pointer: str, known: frozenset[str]) -> dict[str, Any]:
    """Return an object's members as a dict of its own.

    Raises:
        PolicyInvalid: no object, or a member that this release does not know: a rule it cannot
            judge must not be passed over.
    """
    if not isinstance(obj, Mapping):
        raise refused(
            pointer,
            "应为合格的 JSON 对象",
            "should be an acceptable JSON object",
            fault=PolicyInvalid.FORMAT_INVALID if pointer else PolicyInvalid.TYPE_INVALID,
        )
    unknown = sorted(str(name) for name in obj if not isinstance(name, str) or name not in known)
    if unknown:
        where = below(pointer, unknown[0])
        fault = PolicyInvalid.UNKNOWN_MEMBER
        raise refused(where, "没有此项", "There is no such member", fault=fault)
    return dict(obj)


def text(value: object, pointer: str, *, longest: int = MAX_TEXT) -> str:
    """Return a text of 1 to `longest` characters without control characters or surrogates.

    Raises:
        PolicyInvalid: anything else.
    """
    if isinstance(value, str) and 0 < len(value) <= longest and not any(map(_is_foreign, value)):
        return value
    raise refused(
        pointer,
        f"应为 1 至 {longest} 个字符的文本，不含控制字符",
        f"should be a text of 1 to {longest} characters without control characters",
    )


def words(value: object, pointer: str) -> dict[str, str]:
    """Return `{zh, en}`, what a clerk reads.

    Raises:
        PolicyInvalid: anything else.
    """
    said = members(value, pointer, frozenset(("zh", "en")))
    return {lang: text(said.get(lang), f"{pointer}/{lang}", longest=MAX_WORDS) for lang in _LANGS}


def name(value: object, pointer: str) -> str:
    """Return a short name: 1 to 64 of a–z, 0–9, `-` and `_`.

    Raises:
        PolicyInvalid: anything else.
    """
    if isinstance(value, str) and 0 < len(value) <= _SHOWN and _NAME.issuperset(value):
        return value
    raise refused(
        pointer,
        "名称应为 1 至 64 个小写字母、数字、- 或 _",
        "a name is 1 to 64 of a-z, 0-9, - and _",
    )


def flag(value: object, pointer: str) -> bool:
    """Return true or false.

    Raises:
        PolicyInvalid: anything else.
    """
    if isinstance(value, bool):
        return value
    raise refused(pointer, "应为 true 或 false", "should be true or false")


def whole(
    value: object, pointer: str, *, least: int = 0, most: int = MAX_NUMBER, what: str = ""
) -> int:
    """Return a whole number; `60.0` is one, as in JSON Schema.

    Raises:
        PolicyInvalid: anything else.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise refused(
        pointer,
        f"应为 {least} 至 {most} 的整数{what and f'（{what}）'}",
        f"should be a whole number from {least} to {most}",
    )


def number(value: object, pointer: str) -> int | float:
    """Return a number within ±(2**53 - 1).

    Raises:
        PolicyInvalid: anything else, booleans and NaN included.
    """
    if is_number(value) and -MAX_NUMBER <= value <= MAX_NUMBER:
        return value
    raise refused(pointer, "应为数字", "should be a number")


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether a value is a JSON number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def scalar(value: object, pointer: str) -> Scalar:
    """Return a text, a number, true or false.

    Raises:
        PolicyInvalid: anything else.
    """
    if isinstance(value, bool):
        return value
    return number(value, pointer) if is_number(value) else text(value, pointer)


def choice(value: object, pointer: str, among: tuple[str, ...]) -> str:
    """Return one of a closed set of words.

    Raises:
        PolicyInvalid: anything else.
    """
    if isinstance(value, str) and value in among:
        return value
    listed = ", ".join(among)
    raise refused(pointer, f"应为下列之一：{listed}", f"should be one of {listed}")


def items(
    value: object,
    pointer: str,
    read: Callable[[object, str], T],
    *,
    least: int = 0,
    most: int = MAX_LIST,
) -> tuple[T, ...]:
    """Return a list's items, each by `read`.

    Raises:
        PolicyInvalid: no list, too short, too long, or an item is refused.
    """
    if not isinstance(value, tuple | list) or not least <= len(value) <= most:
        raise refused(
            pointer,
            f"应为 {least} 至 {most} 项的列表",
            f"should be a list of {least} to {most} items",
        )
    return tuple(read(item, f"{pointer}/{place}") for place, item in enumerate(value))


def claim(value: object, pointer: str) -> str:
    """Return a claim: its name, or a JSON pointer in which `*` is every array element.

    Raises:
        PolicyInvalid: no text, or no JSON pointer (RFC 6901 section 3) though it starts with `/`.
    """
    found = text(value, pointer)
    if found[0] == "/" and (found.count("/") > MAX_PARTS or "~" in _unescaped(found)):
        raise refused(
            pointer,
            f"应为声明名称，或至多 {MAX_PARTS} 级的 JSON pointer",
            f"should be a claim's name or a JSON pointer of at most {MAX_PARTS} parts",
        )
    return found


def division(value: object, pointer: str) -> str:
    """Return a code of GB/T 2260, or the beginning of one: 2, 4 or 6 digits.

    Raises:
        PolicyInvalid: anything else.
    """
    if isinstance(value, str) and len(value) in (2, 4, 6) and _DIGITS.issuperset(value):
        return value
    raise refused(
        pointer,
        "应为行政区划代码：2、4 或 6 位数字",
        "should be a division code of 2, 4 or 6 digits",
    )


def _is_foreign(char: str) -> bool:
    # Controls steer terminals and logs; surrogates have no UTF-8.
    return char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"


def _unescaped(pointer: str) -> str:
    return pointer.replace("~0", "").replace("~1", "")


def parts(claim: str) -> tuple[str, ...]:
    """Return the names that lead to a claim; a bare name is one of them, `~` and all."""
    if not claim.startswith("/"):
        return (claim,)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in claim.split("/")[1:])


def plain(value: Any) -> Any:  # noqa: ANN401
    """Return JSON data of its own for what a policy holds."""
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    return value.to_json() if hasattr(value, "to_json") else value
