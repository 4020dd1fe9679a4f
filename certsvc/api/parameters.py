"""Query parameters: numbers within bounds."""

import re
from collections.abc import Mapping

from certsvc.api.errors import PARAMETER_INVALID
from certsvc.service.problems import FieldProblem, Problem

_MAX_DIGITS = 6  # bounds are small; a longer number is not read at all
# Side of a printed symbol: a poster's at most, in tenths of a millimetre.
MAX_SIZE_MM = 1000
_SIZE = re.compile(r"[0-9]{1,4}(\.[0-9])?", re.ASCII)


def integer_parameter(
    parameters: Mapping[str, str], name: str, *, least: int, most: int
) -> int | None:
    """A whole number, or None where it is absent.

    Args:
        parameters: the query.
        name: name of the parameter.
        least: smallest value allowed.
        most: largest value allowed.

    Raises:
        Problem: 400, not a decimal number within the bounds.
    """
    text = parameters.get(name)
    if text is None:
        return None
    readable = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    if not readable or not least <= int(text) <= most:
        field = FieldProblem(
            f"/{name}",
            "number_invalid",
            f"应为 {least} 至 {most} 的整数",
            f"should be a whole number {least} to {most}",
        )
        detail = f"{name} is a whole number {least} to {most}"
        raise Problem(PARAMETER_INVALID, detail=detail, errors=[field])
    return int(text)


def size_parameter(parameters: Mapping[str, str], name: str = "size_mm") -> float | None:
    """A printed size in millimetres, at most one decimal; None where it is absent.

    Args:
        parameters: the query.
        name: name of the parameter.

    Raises:
        Problem: 400, not such a number, or above `MAX_SIZE_MM`.
    """
    text = parameters.get(name)
    if text is None:
        return None
    if not _SIZE.fullmatch(text) or float(text) > MAX_SIZE_MM:
        field = FieldProblem(
            f"/{name}",
            "number_invalid",
            f"应为不超过 {MAX_SIZE_MM} 的毫米数，至多一位小数",
            f"should be millimetres up to {MAX_SIZE_MM}, with one decimal at most",
        )
        detail = f"{name} is a number of millimetres up to {MAX_SIZE_MM}"
        raise Problem(PARAMETER_INVALID, detail=detail, errors=[field])
    return float(text)
