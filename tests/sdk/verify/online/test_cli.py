"""The command line: what it reads, what it prints, how it ends."""

import io
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from certsvc_sdk import cli, errors


def stdin(monkeypatch: Any, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_a_valid_code_prints_word_sentences_and_facts(run: Any, issuer: Any, facts: Any) -> None:
    done = run("verify", issuer.qr_text(issuer.token()))
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "✓ 有效 Valid  [valid]"
    assert lines[1].strip().startswith("证照有效（状态截至 ")
    assert lines[2].strip().startswith("The certificate is valid")
    assert "示例市市场监督管理局 / Demo Market Regulator" in done.out
    assert facts.identifier in done.out
    assert "60 秒前" in done.out
    assert "张三" not in done.out
    assert "\x1b" not in done.out


def test_claims_are_printed_on_demand(run: Any, issuer: Any) -> None:
    assert "张三" in run("verify", issuer.token(), "--claims").out


def test_json_is_the_verdict(run: Any, issuer: Any) -> None:
    done = run("verify", issuer.token(), "--json")
    body = json.loads(done.out)
    assert body["verifications"][0]["verdict"]["code"] == "valid"
    assert body["verifications"][0]["index"] == 0


@pytest.mark.parametrize(
    ("end", "shown"),
    [("2048-08-16T00:00:00", "2048-08-15"), ("2048-08-16T00:01:00", "2048-08-16 00:01 (UTC+8)")],
)
def test_the_last_valid_day_is_printed(run: Any, issuer: Any, end: str, shown: str) -> None:
    exp = int(datetime.fromisoformat(f"{end}+08:00").timestamp())
    lines = run("verify", issuer.token(exp=exp)).out.splitlines()
    assert f"  有效期至 Valid until: {shown}" in lines


def test_each_line_of_stdin_has_its_own_verdict_and_the_worst_decides(
    run: Any, issuer: Any, monkeypatch: Any
) -> None:
    lines = [issuer.token(), "", "https://example.com/", "https://check.example/v#1x"]
    stdin(monkeypatch, "\r\n".join(lines).encode())
    done = run("verify", "-", "--json")
    codes = [item["verdict"]["code"] for item in json.loads(done.out)["verifications"]]
    assert codes == ["valid", "not_a_certificate", "unreadable"]
    assert done.code == 1
    stdin(monkeypatch, f"{lines[0]}\n{lines[3]}".encode())
    assert run("verify", "-").code == 3
    stdin(monkeypatch, b" \n")
    assert run("verify", "-").code == 3


def test_a_file_may_hold_the_text(run: Any, issuer: Any, tmp_path: Path) -> None:
    file = tmp_path / "code.txt"
    file.write_text(issuer.token() + "\n")
    assert run("verify", str(file)).code == 0


def test_a_policy_decides_what_is_acceptable(run: Any, issuer: Any, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text('{"types":["household-register"]}')
    done = run("verify", issuer.token(), "--policy", str(file))
    assert done.code == 1
    assert "≠ 不符合本事项" in done.out
    assert "[valid, type_not_accepted]" in done.out
    file.write_text('{"type":1}')
    wrong = run("verify", issuer.token(), "--policy", str(file))
    assert (wrong.code, "policy_invalid" in wrong.err) == (2, True)
    file.write_text("{")
    assert run("verify", issuer.token(), "--policy", str(file)).code == 2
    assert run("verify", issuer.token(), "--policy", str(tmp_path / "gone")).code == 2


def test_ages_may_be_bounded_on_the_line(run: Any, issuer: Any) -> None:
    assert run("verify", issuer.token(), "--max-status-age", "59").code == 3
    assert run("verify", issuer.token(), "--max-status-age", "60", "--max-trust-age", "0").code == 0


def test_prefetch_then_offline(run: Any, issuer: Any, publisher: Any, facts: Any) -> None:
    done = run("prefetch")
    assert (done.code, done.err) == (0, "")
    assert "Issuers: 1" in done.out
    assert run("verify", issuer.token(), "--offline", CERTSVC_TRUST_URL=None).code == 0
    (publisher.tree / f"status/{facts.uscc}/lists.json").unlink()
    failed = run("prefetch")
    assert (failed.code, "lists.json" in failed.err) == (3, True)
    assert run("prefetch", "--offline").code == 3


def test_usage_errors_end_with_two(run: Any, capsys: Any, tmp_path: Path) -> None:
    for argv in ([], ["verify"], ["verify", "x", "--max-status-age", "soon"], ["sing"]):
        with pytest.raises(SystemExit) as caught:
            run(*argv)
        assert caught.value.code == 2
    with pytest.raises(SystemExit) as caught:
        run("verify", "x", CERTSVC_TRUST_ROOT=None)
    assert caught.value.code == 2
    assert "CERTSVC_TRUST_ROOT" in capsys.readouterr().err
    assert run("verify", "x", "--root", str(tmp_path / "gone")).code == 2
    assert run("verify", "x", "--url", "http://certs.example/").code == 2


def test_a_terminal_gets_a_coloured_word_and_nothing_that_steers_it(
    run: Any, issuer: Any, monkeypatch: Any
) -> None:
    token = issuer.token(name="坏\x9b31m\u202e公司")
    out = io.StringIO()
    out.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdout", out)
    assert run("verify", token, "--claims").code == 0
    shown = out.getvalue()
    assert shown.startswith("\x1b[1;32m✓ 有效 Valid\x1b[0m")
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    out.truncate(0)
    assert run("verify", token, NO_COLOR="1").code == 0
    assert "\x1b" not in out.getvalue()


def test_images_and_pdfs_go_to_the_reader_of_codes(
    run: Any, issuer: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    qrcode = pytest.importorskip("qrcode")
    pytest.importorskip("zxingcpp")
    maker = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=6)
    maker.add_data(issuer.qr_text(issuer.token()))
    file = tmp_path / "code.png"
    maker.make_image().save(file)
    done = run("verify", str(file))
    assert done.code == 0, done.err
    assert "位置 Page and place: 1 " in done.out
    stdin(monkeypatch, file.read_bytes())
    assert run("verify", "-").code == 0
    blank = qrcode.QRCode()
    blank.add_data("https://example.com/")
    blank.make_image().save(file)
    assert run("verify", str(file)).code == 1


def test_a_file_without_a_code_is_unknown_and_one_of_another_type_is_usage(
    run: Any, tmp_path: Path
) -> None:
    pytest.importorskip("zxingcpp")
    image = pytest.importorskip("PIL.Image")
    file = tmp_path / "blank.png"
    image.new("L", (64, 64), 255).save(file)
    done = run("verify", str(file))
    assert (done.code, "No code was read" in done.err) == (3, True)
    file.write_bytes(b"\x00\x01\x02\xff" * 9)
    assert run("verify", str(file)).code == 2


def test_without_the_extra_the_message_names_it(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    import certsvc_sdk

    monkeypatch.setitem(sys.modules, "certsvc_sdk.image", None)
    monkeypatch.delattr(certsvc_sdk, "image", raising=False)
    file = tmp_path / "code.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    done = run("verify", str(file))
    assert (done.code, "certsvc-sdk[image]" in done.err) == (2, True)


@pytest.mark.parametrize(
    "name",
    ["missing.png", "MISSING.JPG", "x/y.pdf", "证照.heic", *(f"m.{s}" for s in ("txt", "tiff"))],
)
def test_a_file_that_is_not_there_is_wrong_usage(run: Any, name: str) -> None:
    done = run("verify", name)
    assert (done.code, done.out) == (2, "")
    assert "没有这个文件 no such file" in done.err
    assert name in done.err


def test_a_file_that_cannot_be_opened_is_wrong_usage(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "folder.png"
    folder.mkdir()
    done = run("verify", str(folder))
    assert (done.code, done.out, "[file_unsupported]" in done.err) == (2, "", True)


def test_an_address_that_ends_like_a_file_is_a_text(run: Any) -> None:
    assert "[not_a_certificate]" in run("verify", "https://example.com/logo.png").out


def test_reasons_are_in_chinese_first(
    run: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    root = tmp_path / "gone.json"
    assert run("verify", "x", "--root", str(root)).err.startswith(
        "certsvc-sdk: 信任根无法读取 the trust root cannot be read: "
    )
    root.write_text("{}")
    assert run("verify", "x", "--root", str(root)).err == (
        "certsvc-sdk: 信任根无效 the file is no root of a trust repository [trust_invalid]\n"
    )
    stdin(monkeypatch, b" ")
    assert run("verify", "-").err == (
        "未读到证照码：没有可读的二维码 No code was read: there is nothing to verify\n"
    )
    with pytest.raises(SystemExit):
        run("verify", "x", CERTSVC_TRUST_ROOT=None)
    assert "需要信任根 --root is needed" in capsys.readouterr().err


def test_every_error_of_a_command_has_a_chinese_reason() -> None:
    leaves = [
        errors.PolicyInvalid,
        errors.TrustInvalid,
        errors.TrustUnavailable,
        errors.FetchFailed,
        errors.Malformed,
        errors.FileUnsupported,
        errors.FileTooLarge,
        errors.ImageUnreadable,
        errors.NoCodeFound,
    ]
    for leaf in leaves:
        zh, _, en = cli.reason(leaf("the reason")).partition(" ")
        assert not zh.isascii()
        assert en == "the reason"


RULES = {
    "types": [{"type": "business-licence", "min_version": 1}],
    "predicates": [{"claim": "/operating_to", "op": "after", "value": {"days": 90}}],
}


class TestPolicy:
    @pytest.fixture
    def write(self, tmp_path: Path) -> Any:
        def written(document: Any) -> str:
            file = tmp_path / "rules.json"
            file.write_text(json.dumps(document))
            return str(file)

        return written

    def test_rules_are_said_in_words_without_any_trust_root(self, run: Any, write: Any) -> None:
        done = run("policy", "check", write(RULES), CERTSVC_TRUST_ROOT=None)
        assert (done.code, done.err) == (0, "")
        assert done.out.splitlines() == [
            "  证照类型须为 business-licence（第 1 版起）",
            "    the type must be business-licence from version 1",
            "  /operating_to 须晚于核验当日后 90 天",
            "    /operating_to must be after 90 days from now",
        ]
        many = run("policy", "check", write({"tender": RULES, "any": {}}))
        assert many.out.splitlines()[0] == "tender:"
        assert many.out.splitlines()[-2:] == [
            "  接受所有有效证照",
            "    every valid certificate is accepted",
        ]

    @pytest.mark.parametrize(
        ("document", "words"),
        [
            ({"types": []}, "/types 应为 1 至 256 项的列表 should be a list of 1 to 256 items"),
            ({"a": {"x\x1b": 1}}, "/a/x\ufffd 没有此项 There is no such member"),
            ({"title": {}}, "/title/zh "),
            ([], "应为合格的 JSON 对象 should be an acceptable JSON object"),
        ],
        ids=str,
    )
    def test_what_is_wrong_is_named(self, run: Any, write: Any, document: Any, words: str) -> None:
        done = run("policy", "check", write(document))
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("办理规则有误 The policy is refused: ")
        assert words in done.err

    def test_no_file_and_no_json(self, run: Any, write: Any, tmp_path: Path) -> None:
        assert "cannot be read" in run("policy", "check", str(tmp_path / "gone")).err
        assert run("policy", "check", "a\0b").code == 1
        (tmp_path / "text").write_text("rules")
        done = run("policy", "check", str(tmp_path / "text"))
        assert (done.code, "不是合格的 JSON" in done.err) == (1, True)

    def test_the_schema_is_printed(self, run: Any) -> None:
        assert json.loads(run("policy", "schema").out)["title"] == "办理规则 · Policy"

    def test_a_matter_is_chosen_by_name(self, run: Any, issuer: Any, write: Any) -> None:
        token, file = issuer.token(operating_to="2027-02-01"), write({"tender": RULES, "any": {}})
        assert run("verify", token, "--policy", file, "--matter", "any").code == 0
        done = run("verify", token, "--policy", file, "--matter", "tender")
        assert done.code == 1
        assert "未满足办理规则：/operating_to须晚于 2027-04-15" in done.out
        for wrong in (
            ["--policy", file],
            ["--policy", file, "--matter", "gone"],
            ["--matter", "any"],
        ):
            assert run("verify", token, *wrong).code == 2
        assert run("verify", token, "--policy", write(RULES), "--matter", "any").code == 2


def test_a_text_too_long_for_a_file_name_is_a_text(run: Any) -> None:
    assert run("verify", "x" * 5000).code == 1
    assert run("verify", "a\0b").code == 1


def test_the_module_runs_as_a_program(publisher: Any, tmp_path: Path) -> None:
    root = tmp_path / "root.json"
    root.write_bytes(publisher.root)
    command = [sys.executable, "-m", "certsvc_sdk.cli", "verify", "https://example.com/"]
    done = subprocess.run(
        [*command, "--root", str(root), "--offline"], capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert "[not_a_certificate]" in done.stdout.decode("utf-8", "replace")
