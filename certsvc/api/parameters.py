"""Query parameters: whole numbers within bounds."""

from collections.abc import Mapping

from certsvc.api.errors import PARAMETER_INVALID
from certsvc.service.problems import FieldProblem, Problem

_MAX_DIGITS = 6  # bounds are small; a longer number is not read at all


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
