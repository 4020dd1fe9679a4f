"""The SDK's pages say what the code does: steps, codes, exceptions, the README's example."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import certsvc_sdk
from certsvc_sdk import errors, verify
from certsvc_sdk.codes import CODES, DETAILS, REASONS, markdown_table
from certsvc_sdk.notices import markdown_notices
from certsvc_sdk.steps import STEPS

ROOT = Path(__file__).parents[3]


def test_verification_md_has_the_steps_of_the_code() -> None:
    page = (ROOT / "docs/verification.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([0-9]) \| `([a-z_]+)` \| (.+?) \|", page, re.MULTILINE)
    written = [(int(n), name, tuple(re.findall(r"`(\w+)`", codes))) for n, name, codes in rows]
    assert written == [tuple(step) for step in STEPS]


def test_the_function_opens_with_the_same_steps() -> None:
    opening = verify.__doc__ or ""
    for step in STEPS:
        line = next(line for line in opening.splitlines() if line.startswith(f"{step.number}. "))
        assert step.name in line
    folder = Path(verify.__file__).parent
    source = "".join(
        (folder / name).read_text(encoding="utf-8")
        for name in ("authentication.py", "status.py", "verify.py")
    )
    for step in STEPS:
        labelled = rf"# {step.number} {step.name}\b|Step {step.number}: .*(frame|SD-JWT)"
        assert re.search(labelled, source), step.name


def test_errors_md_has_every_code_reason_and_word() -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    for table in (CODES, REASONS):
        assert "\n".join(markdown_table(table)) in page
    assert "\n".join(markdown_notices()) in page
    for word, (zh, en) in DETAILS.items():
        assert f"| {word} | {zh} | {en} |" in page


def test_errors_md_has_every_exception() -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    leaves = [
        value
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, errors.CertsvcError)
        and value not in (errors.CertsvcError, errors.VerificationFailed)
    ]
    assert leaves
    for leaf in leaves:
        assert f"| `{leaf.code}` | `{leaf.__name__}` |" in page


def test_the_readme_example_runs(issuer: Any, world: Any, facts: Any, monkeypatch: Any) -> None:
    page = (ROOT / "sdk/README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert example is not None
    code = example.group(1)
    # The example's root and address are the reader's own; everything after them runs as it stands.
    judge, made = code.split("\n\n", 2)[2], "from certsvc_sdk import Policy\n"
    policy = code.split("\n\n", 2)[1].splitlines()[1]

    class Shop:
        def check(self, text: str, *, policy: Any) -> Any:
            return verify.decide_token(text, world=world, policy=policy, now=facts.now)

    names: dict[str, Any] = {"verifier": Shop(), "text": issuer.qr_text(issuer.token())}
    printed: list[str] = []
    names["print"] = lambda *values: printed.append(" ".join(map(str, values)))
    exec(made + policy + "\n" + judge, names)  # noqa: S102
    assert printed[-1] == "示例市市场监督管理局 示例科技有限公司"
    assert len(code.strip().splitlines()) <= 12


def test_importing_the_package_is_cheap() -> None:
    code = (
        "import sys; from certsvc_sdk import Verifier, Policy; "
        "heavy = {'jwt', 'tuf', 'urllib3', 'pydantic', 'PIL', 'cryptography', 'zxingcpp'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"


def test_every_exported_name_is_there_and_no_other() -> None:
    for name in certsvc_sdk.__all__:
        assert getattr(certsvc_sdk, name) is not None
    assert set(certsvc_sdk.__all__) <= set(dir(certsvc_sdk))
    assert not hasattr(certsvc_sdk, "requests")
