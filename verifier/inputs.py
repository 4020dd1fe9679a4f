"""What a request brings to be verified, whatever way it came: JSON, form, image or PDF."""

import unicodedata
from dataclasses import dataclass

from flask import request
from werkzeug.datastructures import FileStorage

from certsvc.service.http import JSON, read_body, require_media_type
from certsvc.service.problems import REQUEST_INVALID, FieldProblem, Problem
from certsvc_sdk import strict
from certsvc_sdk.errors import Malformed, PolicyInvalid
from certsvc_sdk.policy import Policies, Policy
from certsvc_sdk.policy.collection import NAME
from certsvc_sdk.strict import Json
from verifier.problems import FILE_TOO_LARGE, INPUT_MISSING, TOO_MANY_ITEMS
from verifier.schemas import MAX_FILES, MAX_ITEMS, UNKNOWN_MEMBER, pointer, read_request

# A hundred items of the longest QR text (3.5 KiB), with room for some long SD-JWTs.
JSON_BYTES = 512 * 1024
# A phone's photograph or a scan of some pages.
FILE_BYTES = 10 * 1024 * 1024
# Two files of full size in one form, or many ordinary ones.
REQUEST_BYTES = 2 * FILE_BYTES + JSON_BYTES

FORM = "multipart/form-data"
PDF = "application/pdf"
IMAGES = frozenset(
    f"image/{kind}"
    for kind in ("png", "jpeg", "webp", "gif", "bmp", "tiff", "heic", "heif", "avif", "svg+xml")
)
# Before a name in the page's list of what a matter needs: a matter, and not a type.
MATTER = "@"
MEDIA_TYPES = frozenset({JSON, FORM, PDF}) | IMAGES


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of the request; `name` is what the client called it."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Everything to verify, and the rules to judge it by; `listed`: texts came as `items`."""

    texts: tuple[str, ...] = ()
    uploads: tuple[Upload, ...] = ()
    policy: Policy | None = None
    listed: bool = False

    def place(self, index: int) -> str:
        """JSON pointer of a text or file in the request, counted as verdicts are."""
        if index >= len(self.texts):
            return f"/file/{index - len(self.texts)}"
        if self.listed:
            return f"/items/{index}/text"
        return "/text" if len(self.texts) == 1 else f"/text/{index}"


def read_submission(policies: Policies) -> Submission:
    """The submission of the current API request.

    Args:
        policies: what a request may name.

    Raises:
        Problem: media_type_unsupported, body_too_large, file_too_large, request_invalid,
            input_missing, too_many_items.
        Malformed: the body is no acceptable JSON.
        PolicyInvalid: the policy is not well formed.
    """
    media_type = require_media_type(MEDIA_TYPES)
    if media_type == JSON:
        return json_submission(read_body(JSON_BYTES), policies)
    if media_type == FORM:
        submission = _from_form(policies)
    else:
        body = read_body(FILE_BYTES)
        submission = Submission(uploads=(Upload("", body),) if body else ())
    return _checked(submission)


def json_submission(body: bytes, policies: Policies) -> Submission:
    """The submission of a JSON body.

    Args:
        body: the whole body.
        policies: what a request may name.

    Raises:
        Problem: request_invalid, input_missing, too_many_items.
        Malformed: the body is no acceptable JSON.
        PolicyInvalid: the policy is not well formed.
    """
    return _checked(_from_json(body, policies))


def read_desk_form(policies: Policies) -> Submission:
    """The submission of the clerk page's form: `text`, `file` parts and `type`.

    Args:
        policies: the matters that `type` may name, with `@` before the name.

    Raises:
        Problem: file_too_large, input_missing, too_many_items.
        PolicyInvalid: `type` is not well formed.
    """
    text = from_scanner(request.form.get("text", ""))
    wanted = request.form.get("type", "")
    return _checked(
        Submission(
            texts=(text,) if text else (),
            uploads=_uploads(request.files.getlist("file")),
            policy=_wanted(wanted, policies) if wanted else None,
        )
    )


def from_scanner(text: str) -> str:
    """The text a keyboard-wedge scanner meant when a Chinese input method was on.

    Full-width letters, digits and punctuation become ASCII again (Unicode NFKC, and `。` for the
    full stop); the signature decides whether that was right.
    """
    return unicodedata.normalize("NFKC", text).replace("。", ".").strip()


def _wanted(choice: str, policies: Policies) -> Policy:
    if choice.startswith(MATTER):
        return policies.choose(choice.removeprefix(MATTER))
    return Policy(types=(choice,))


def _policy(wanted: Json, policies: Policies) -> Policy:
    """The policy of a request: written out, or the name of one that the service keeps."""
    if isinstance(wanted, str) or (isinstance(wanted, dict) and NAME in wanted):
        return policies.choose(wanted)
    return Policy.from_json(wanted)


def _from_json(body: bytes, policies: Policies) -> Submission:
    # A hundred certificates are far longer than one, and come all day.
    given = strict.loads_object(body, max_bytes=JSON_BYTES, what="body", max_copied=JSON_BYTES)
    what = read_request(given)
    if what.text is not None and what.items is not None:
        twice = FieldProblem(
            "/items", "exclusive", "不能与 text 同时给出", "Not together with text"
        )
        raise Problem(REQUEST_INVALID, errors=[twice])
    single = (what.text,) if what.text is not None and what.text.strip() else ()
    texts = single if what.items is None else tuple(item.text for item in what.items)
    policy = None if what.policy is None else _policy(what.policy, policies)
    return Submission(texts=texts, policy=policy, listed=what.items is not None)


def _from_form(policies: Policies) -> Submission:
    unknown = [name for name in request.form if name not in ("text", "policy")]
    unknown += [name for name in request.files if name != "file"]
    if unknown:
        fields = [FieldProblem(pointer((name,)), *UNKNOWN_MEMBER) for name in unknown]
        raise Problem(REQUEST_INVALID, errors=fields)
    texts = tuple(text for text in request.form.getlist("text") if text.strip())
    policy = request.form.get("policy")
    return Submission(
        texts=texts,
        uploads=_uploads(request.files.getlist("file")),
        policy=None if policy is None else _policy(_policy_field(policy), policies),
    )


def _policy_field(text: str) -> Json:
    # A name stands as it is, without quotation marks.
    if text.isascii() and text.replace("-", "").replace("_", "").isalnum():
        return text
    try:
        return strict.loads_object(text.encode(), max_bytes=JSON_BYTES, what="policy")
    except Malformed as error:
        raise PolicyInvalid("the policy is not acceptable JSON") from error


def _uploads(parts: list[FileStorage]) -> tuple[Upload, ...]:
    # A browser sends one nameless empty part when no file was chosen.
    named = [part for part in parts if part.filename]
    if len(named) > MAX_FILES:
        raise Problem(TOO_MANY_ITEMS, detail=f"at most {MAX_FILES} files")
    uploads = [Upload(part.filename or "", part.stream.read(FILE_BYTES + 1)) for part in named]
    for number, upload in enumerate(uploads):
        if len(upload.data) > FILE_BYTES:
            kind = FILE_TOO_LARGE
            field = FieldProblem(f"/file/{number}", kind.code, kind.zh, kind.en)
            raise Problem(kind, errors=[field])
    return tuple(uploads)


def _checked(submission: Submission) -> Submission:
    total = len(submission.texts) + len(submission.uploads)
    if not total:
        raise Problem(INPUT_MISSING)
    if total > MAX_ITEMS:
        raise Problem(TOO_MANY_ITEMS, detail=f"at most {MAX_ITEMS} items")
    return submission
