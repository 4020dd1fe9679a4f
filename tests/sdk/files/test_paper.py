"""What a certificate says must stand in the document's text; whatever is missing is named."""

from typing import Any

import pytest

from certsvc_sdk.paper import missing_claims

CLAIMS: dict[str, Any] = {
    "iss": "https://certs.example/i/1",
    "certificate_identifier": "1.2.156",
    "iat": 1,
    "name": "示例科技有限公司",
    "registered_capital": "100万元",
    "established_on": "2026-01-03",
    "operating_to": None,
    "head": {"name": "张三"},
    "members": [{"name": "张三", "sex": "男"}, {"name": "李四", "sex": "女"}],
    "count": 3,
    "copy": True,
    "empty": "",
}
PAPER = (
    "营 业 执 照\r\n名称 示例科技有限公司\r\n注册资本 100 万元\r\n成立日期 2026 年 1 月 3 日\r\n"
    "户主 张三\r\n1 张三 性别 男\r\n2 李四 性别 女\r\n"
)


def test_a_true_document_misses_nothing() -> None:
    assert missing_claims(CLAIMS, [PAPER]) == ()


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ("示例科技有限公司", "示例科技有限公可", ("/name",)),
        ("示例科技有限公司", "新示例科技有限公司", ("/name",)),
        ("示例科技有限公司", "示例科技有限公司分公司", ("/name",)),
        ("100 万元", "1000 万元", ("/registered_capital",)),
        ("100 万元", "9100 万元", ("/registered_capital",)),
        ("1 月 3 日", "11 月 3 日", ("/established_on",)),
        ("1 月 3 日", "1 月 31 日", ("/established_on",)),
        # One of two equal texts was altered: the other does not answer for both.
        ("户主 张三", "户主 王五", ("/head/name", "/members/0/name")),
        ("1 张三", "1 王五", ("/head/name", "/members/0/name")),
        ("性别 女", "性别 男", ("/members/1/sex",)),
        ("名称 示例科技有限公司\r\n", "", ("/name",)),
    ],
)
def test_what_was_altered_is_named(old: str, new: str, missing: tuple[str, ...]) -> None:
    assert old in PAPER
    assert missing_claims(CLAIMS, [PAPER.replace(old, new, 1)]) == missing


@pytest.mark.parametrize(
    "date",
    [
        "2026-01-03",
        "2026年01月03日",
        "2026 年 1 月 3 日",
        "2026.01.03",
        "2026/1/3",
        "２０２６年１月３日",
    ],
)
def test_every_form_of_a_date(date: str) -> None:
    assert missing_claims({"on": "2026-01-03"}, [f"签发日期：{date}。"]) == ()


@pytest.mark.parametrize(
    ("claim", "paper"),
    [
        ("８８号（Ａ座）", "住所 88号(A座)\n"),
        ("88号(A座)", "住所：８８号（Ａ座）；"),
        ("Café Ltd", "名称 Cafe\u0301\u00a0Ltd"),
        ("凌凌凌", "姓名 凌\u200b凌\n凌"),
        ("方立", "姓名 \u2f45\u2f74"),
    ],
    ids=["full-width", "half-width", "decomposed", "invisible-and-break", "radicals"],
)
def test_width_and_white_space_do_not_matter(claim: str, paper: str) -> None:
    assert missing_claims({"x": claim}, [paper]) == ()


def test_a_period_and_a_list_hold_several_texts() -> None:
    claims = {"begin": "2018-11-16", "end": "2038-11-15", "items": ["甲类", "乙类"]}
    assert missing_claims(claims, ["2018年11月16日至2038年11月15日\n甲类；乙类"]) == ()


def test_a_long_text_goes_on_on_the_next_page() -> None:
    scope = "".join(f"第{number}项服务、" for number in range(300))
    pages = [
        f"经营范围 {scope[:700]}\n第1页",
        f"页眉 续\n{scope[700:1500]}\n第2页",
        f"{scope[1500:]}\n第3页",
    ]
    claims = {"scope": scope, "name": "甲公司"}
    pages[0] = "名称 甲公司\n" + pages[0]
    assert missing_claims(claims, pages) == ()
    assert missing_claims(claims, pages[:2]) == ("/scope",)
    assert missing_claims(claims, pages[::-1]) == ("/scope",)


def test_words_put_into_a_long_text_are_not_a_page_break() -> None:
    scope = "".join(f"第{number}项服务、" for number in range(40))
    inserted = scope[:100] + "不含第三方支付、" + scope[100:]
    assert missing_claims({"scope": scope}, [inserted]) == ("/scope",)
    assert missing_claims({"scope": scope}, [inserted, "附页"]) == ("/scope",)


def test_claims_are_named_by_pointer_in_their_order() -> None:
    claims = {"a/b": "甲甲", "c~d": {"e": "乙乙"}, "f": ["丙丙", "丁丁"]}
    assert missing_claims(claims, ["无"]) == ("/a~1b", "/c~0d/e", "/f/0", "/f/1")


def test_a_hostile_document_is_only_text() -> None:
    assert missing_claims({"x": "甲甲"}, []) == ("/x",)
    assert missing_claims({"x": "甲甲"}, ["\0" * 5 + "\ud800甲乙甲"]) == ("/x",)
    assert missing_claims({"x": "a" * 400}, ["a" * 399 + "b", "a" * 399]) == ("/x",)
