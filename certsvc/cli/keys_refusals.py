"""Why work on keys is refused: each code in a sentence of Chinese and of English."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any

import click

from certsvc.authority.keys_errors import KeyListedTooShort, KeyWorkError
from certsvc.publishing.errors import PublishingError
from certsvc.storage.errors import StorageError
from keys.errors import KeysError

#: Code → Chinese, English.
SENTENCES = {
    "key_owner_unmanaged": (
        "信任角色与证书机构的密钥请用 certsvc trust、certsvc ca 管理",
        "Keys of trust roles and authorities are managed by certsvc trust and certsvc ca",
    ),
    "key_not_published": (
        "已公布的发证机关记录中还没有这把密钥；请先执行 keys publish，必要时等待签字",
        "The published record does not list the key yet: run keys publish, await signatures",
    ),
    "key_listed_too_short": (
        "公布时间太短，离线核验方可能还不认识这把密钥；紧急时用 --emergency",
        "Listed too short: a verifier offline may not know it yet; --emergency overrides",
    ),
    "no_successor": (
        "没有可接替的现用密钥，也没有等待启用的密钥；请先执行 keys generate",
        "No active key to succeed and none that waits: run keys generate first",
    ),
    "issuing_would_stop": (
        "这是唯一的现用密钥，停用后将无法签发；确要停止请加 --stop",
        "It is the only active key: issuing would stop; say --stop if that is meant",
    ),
    "cut_beyond_log": (
        "截断超出已公布的日志，或没有日志，或密钥不签发证照；可用 --nothing 全部作废",
        "The cut is beyond the published log, or there is none, or the key signs none",
    ),
    "issuer_not_registered": ("没有登记这个发证机关", "No such issuer is registered"),
    "key_unknown": ("没有这把密钥", "There is no such key"),
    "key_clash": ("密钥编号重复，请再执行一次", "The key id is taken: run the command again"),
    "transition_forbidden": (
        "密钥当前状态不允许这一步；请用 keys list 查看",
        "The key's state does not allow this step: see keys list",
    ),
    "active_key_exists": (
        "同组已有现用密钥；请用 keys rotate",
        "Another key of the group is active: use keys rotate",
    ),
    "no_active_key": ("没有可用的现用密钥", "No active key serves this purpose"),
    "key_not_active": ("密钥不在使用中，不能签名", "The key is not active and cannot sign"),
    "compromise_time_invalid": (
        "泄露时间应在密钥生成之后、现在之前",
        "The time of compromise lies between the key's making and now",
    ),
    "compromise_loosened": (
        "已公布的截断位置只能前移，不能放宽",
        "A published cut can only move back, never forward again",
    ),
    "step_outdated": (
        "密钥状态已被他人改变；请重新执行 keys plan",
        "Somebody else has changed the keys: plan anew",
    ),
    "name_invalid": (
        "机关、密钥编号、用途或类型的写法不对",
        "Issuer, key id, purpose or type has a forbidden form",
    ),
    "algorithm_unsupported": ("不支持这种算法", "The algorithm is not supported"),
    "software_sm2_refused": (
        "SM2 密钥须在密码设备中；见 CERTSVC_SOFTWARE_SM2",
        "SM2 keys belong into certified hardware; see CERTSVC_SOFTWARE_SM2",
    ),
    "store_unavailable": ("密钥库暂时不可用", "The key store cannot be reached"),
    "store_read_only": (
        "本机只能经签名进程使用密钥，不能更改；请在密钥所在的机器上执行",
        "Here keys can be used and not changed: run this where the key store is",
    ),
    "signing_failed": ("签名失败，未公布任何内容", "Signing failed; nothing was published"),
    "record_refused": (
        "核验方不会接受这样的机关记录，未公布",
        "Verifiers would refuse such a record; nothing was published",
    ),
    "role_key_untrusted": (
        "信任根不认识现用的角色密钥；请先更新信任根",
        "The root does not know the role's active key: renew the root first",
    ),
    "log_forked": (
        "已公布的日志与数据库不符，检查点未重签；其余已完成。请先保全证据，见 docs/compromise.md",
        "The published log is not the database's: its checkpoint was not signed; all else is done",
    ),
    "leaf_altered": (
        "数据库中的日志条目缺失或被改动，检查点未重签；其余已完成",
        "A leaf in the database is missing or altered: no checkpoint was signed; all else is done",
    ),
    "trust_missing": ("还没有建立信任库", "There is no trust repository yet"),
    "tree_unreadable": (
        "已公布的文件损坏，请先检查；紧急时可用 --nothing",
        "A published file is damaged: look first; in an emergency use --nothing",
    ),
}


class Refused(click.ClickException):
    """A refusal with its code; the sentences come from the table.

    Args:
        code: stable.
        detail: what the error itself says.
        as_json: for a machine.
        more: further members.
    """

    def __init__(self, code: str, detail: str, *, as_json: bool, **more: object) -> None:
        super().__init__(detail)
        self.code = code
        self.as_json = as_json
        self.more = more

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it to standard error."""
        chinese, english = SENTENCES.get(self.code, ("操作被拒绝", self.message))
        if self.as_json:
            members = {"error": self.code, "zh": chinese, "en": english, "detail": self.message}
            click.echo(
                json.dumps({**members, **self.more}, ensure_ascii=False), file=file, err=True
            )
            return
        click.echo(f"拒绝 / refused: {self.code}", file=file, err=True)
        for line in (chinese, english, f"({self.message})"):
            click.echo(f"  {line}", file=file, err=True)
        if "ready_at" in self.more:
            click.echo(f"  可启用 / ready: {moment(self.more['ready_at'])}", file=file, err=True)


@contextmanager
def refusing(*, as_json: bool) -> Iterator[None]:
    """Turn what was refused inside into words."""
    try:
        yield
    except KeyListedTooShort as error:
        raise Refused(error.code, str(error), as_json=as_json, ready_at=error.ready_at) from error
    except (KeyWorkError, KeysError, StorageError, PublishingError) as error:
        raise Refused(error.code, str(error), as_json=as_json) from error


def moment(seconds: object) -> str:
    """A time for people; a dash where there is none."""
    if not isinstance(seconds, int):
        return "—"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
