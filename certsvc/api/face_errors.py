"""The part of the problem table that speaks of printed certificates."""

from collections.abc import Callable

from certsvc.face import errors as face
from certsvc.printing import errors as printing
from certsvc.service.problems import FieldProblem, Problem, ProblemKind, ProblemTable

# A face takes a fraction of a second, and few may wait before this one.
RETRY_SECONDS = "2"

QR_TOO_LARGE = ProblemKind(
    "qr_too_large",
    409,
    "证照内容过多，放不进可打印的二维码，请使用精简版式",
    "The certificate does not fit into a printable QR code; use a smaller profile",
)
GLYPH_MISSING = ProblemKind(
    "glyph_missing",
    422,
    "字体中没有证照所用的字，请补充字体后再打印",
    "No font has a character of the certificate; add a font that has it",
)
CHARACTER_UNPRINTABLE = ProblemKind(
    "character_unprintable",
    422,
    "证照内容含有印不出的字符",
    "The certificate holds a character that cannot be seen on paper",
)
FACE_UNKNOWN = ProblemKind(
    "face_unknown",
    409,
    "本版本没有此证照类型的版式",
    "This release has no face for the certificate's type",
)
EXPORT_TOO_LARGE = ProblemKind(
    "export_too_large",
    422,
    "一次导出的证照过多，请分批导出",
    "Too many certificates for one export; ask for them in parts",
)
TYPESETTING_FAILED = ProblemKind(
    "typesetting_failed", 500, "版式文件生成失败", "The face could not be set"
)
FONTS_INVALID = ProblemKind(
    "fonts_invalid", 500, "本系统的字体无法使用", "The installation's fonts cannot be used"
)
PRESS_BUSY = ProblemKind(
    "press_busy", 503, "打印请求过多，请稍后重试", "Too many faces wait already; try again later"
)
PRESS_TIMEOUT = ProblemKind(
    "press_timeout", 503, "版式文件生成超时，请稍后重试", "The face took too long; try again later"
)
PRESS_UNAVAILABLE = ProblemKind(
    "press_unavailable", 503, "排版进程暂不可用，请稍后重试", "No press is available now"
)
SIGNATURE_UNAVAILABLE = ProblemKind(
    "signature_unavailable",
    503,
    "版式文件暂时无法签名，请稍后重试",
    "The face cannot be signed now",
)

FACE_KINDS: tuple[ProblemKind, ...] = (
    QR_TOO_LARGE,
    GLYPH_MISSING,
    CHARACTER_UNPRINTABLE,
    FACE_UNKNOWN,
    EXPORT_TOO_LARGE,
    TYPESETTING_FAILED,
    FONTS_INVALID,
    PRESS_BUSY,
    PRESS_TIMEOUT,
    PRESS_UNAVAILABLE,
    SIGNATURE_UNAVAILABLE,
)


def face_problems() -> ProblemTable:
    """Error class -> problem."""
    return {
        face.SymbolTooLarge: _plain(QR_TOO_LARGE),
        face.GlyphMissing: _glyph,
        face.CharacterUnprintable: _character,
        face.TypesettingFailed: _plain(TYPESETTING_FAILED),
        face.FontsInvalid: _plain(FONTS_INVALID),
        printing.FaceUnknown: _plain(FACE_UNKNOWN),
        printing.PressBusy: _later(PRESS_BUSY),
        printing.PressTimeout: _later(PRESS_TIMEOUT),
        printing.PressUnavailable: _later(PRESS_UNAVAILABLE),
        printing.SignatureUnavailable: _later(SIGNATURE_UNAVAILABLE),
    }


def _plain(kind: ProblemKind) -> Callable[[Exception], Problem]:
    return lambda _: Problem(kind)


def _later(kind: ProblemKind) -> Callable[[Exception], Problem]:
    return lambda _: Problem(kind, headers={"Retry-After": RETRY_SECONDS})


def _glyph(error: face.GlyphMissing) -> Problem:
    zh = f"字体中没有“{error.character}”（{error.point}）"
    en = f"no font has “{error.character}” ({error.point})"
    return _found(GLYPH_MISSING, error.where, zh, en)


def _character(error: face.CharacterUnprintable) -> Problem:
    return _found(CHARACTER_UNPRINTABLE, error.where, error.zh, error.en)


def _found(kind: ProblemKind, where: str, zh: str, en: str) -> Problem:
    # A claim's own pointer; everything else that is printed has a name.
    path = where if where.startswith("/") else ""
    return Problem(kind, detail=where, errors=[FieldProblem(path, kind.code, zh, en)])
