"""Status words and operations of a type, as data: 撤销, 吊销, 注销 and 暂扣 differ in law."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from certsvc.catalogue.schema import Label, Model

OperationName = Literal["suspend", "resume", "revoke", "supersede"]

# What each operation makes of a certificate; the words it may leave behind must say the same.
_LEAVES = {
    "suspend": "suspended",
    "resume": "valid",
    "revoke": "revoked",
    "supersede": "superseded",
}


class StatusWord(Model):
    """One word of the type's dictionary of certificate states.

    Attributes:
        code: Two digits of the dictionary.
        label: The word.
        state: What it means to a verifier. ``expired`` is derived from the dates, never stored.
        detail_required: Whether the word says too little alone.
    """

    code: str
    label: Label
    state: Literal["valid", "suspended", "revoked", "superseded", "expired", "other"]
    detail_required: bool = False


class Reason(Model):
    """One lawful reason for an operation.

    Attributes:
        code: Stable name, as the interface takes it.
        label: The legal word.
        sentence: What a clerk reads, e.g. 已吊销.
        word: Code of the status word it leaves behind.
        operation_code: Two digits of the dictionary of operations.
        detail_required: Whether a description must come with it.
        note: What the word does not mean, where people err.
    """

    code: str
    label: Label
    sentence: Label
    word: str
    operation_code: str
    detail_required: bool = False
    note: Label | None = None


class Operation(Model):
    """One operation on issued certificates and the reasons it takes."""

    name: OperationName
    label: Label
    reasons: list[Reason]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        codes = [reason.code for reason in self.reasons]
        if not codes or len(codes) != len(set(codes)):
            raise ValueError("an operation has reasons, each with a code of its own")
        return self


class Status(Model):
    """The status words and operations of a type."""

    words: list[StatusWord]
    operations: list[Operation]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        words = {word.code: word for word in self.words}
        names = [operation.name for operation in self.operations]
        if len(words) != len(self.words) or len(names) != len(set(names)):
            raise ValueError("a status word or an operation stands twice")
        for operation in self.operations:
            for reason in operation.reasons:
                word = words.get(reason.word)
                if word is None:
                    raise ValueError(f"reason {reason.code}: no status word {reason.word}")
                if word.state not in {_LEAVES[operation.name], "other"}:
                    raise ValueError(
                        f"reason {reason.code}: word {reason.word} is not {operation.name}"
                    )
        return self

    def word(self, code: str) -> StatusWord | None:
        """Returns a status word by its code."""
        return next((word for word in self.words if word.code == code), None)
