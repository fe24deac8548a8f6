"""Names of tags: which are the same, and which are in a cell."""

import pytest

from contacts import tagnames
from contacts.tagnames import TagReader
from tests.cputime import at_most


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VIP", "vip"),
        ("ＶＩＰ", "VIP"),
        ("Trade  fair", " trade fair\u3000"),
        ("Straße", "STRASSE"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("Zoe\u0308", "zoë"),
        ("老客户", "老客户"),
    ],
)
def test_the_same_tag(one: str, other: str) -> None:
    assert tagnames.key_of(tagnames.clean(one)) == tagnames.key_of(tagnames.clean(other))


@pytest.mark.parametrize(("one", "other"), [("VIP", "VIPs"), ("客户", "客戶"), ("e", "é")])
def test_other_tags(one: str, other: str) -> None:
    assert tagnames.key_of(one) != tagnames.key_of(other)


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("", []),
        (" , ;; ", []),
        ("VIP", ["VIP"]),
        ("vip, trade", ["vip", "trade"]),
        ("a;b|c", ["a", "b", "c"]),
        ("老客户，新客户；重要、其他｜末", ["老客户", "新客户", "重要", "其他", "末"]),
        ('"VIP","Trade"', ["VIP", "Trade"]),
        ('a, "b, c"', ["a", "b, c"]),
        (r"\"a\", \"b, c\"", ["a", "b, c"]),
        ('"say ""hi""", b', ['say "hi"', "b"]),
        ('12" pipes, b', ['12" pipes', "b"]),
        ('"open, b', ['"open', "b"]),
        ('"a" b, c', ['"a" b', "c"]),
        ('["VIP", "b, c"]', ["VIP", "b, c"]),
        ("[draft]", ["[draft]"]),
        ("[1, 2]", ["[1", "2]"]),
        ("a ::: b", ["a", "b"]),
        ("a\nb\r\nc", ["a", "b", "c"]),
        ("two  words\u200b", ["two words"]),
        ("a\x00b\u202e", ["a b"]),
    ],
)
def test_names_in_a_cell(cell: str, names: list[str]) -> None:
    assert tagnames.split(cell) == names


@pytest.mark.parametrize(
    "names",
    [
        ["VIP", "Bath, Somerset", 'say "hi"', "a;b"],
        ["=1+1", "@x"],
        ['"', '""', ",", "a\\", 'b,\\"'],
        ['["a"]', "[x]"],
        ["老客户，北京", "ok"],
    ],
)
def test_what_is_written_is_read_again(names: list[str]) -> None:
    assert tagnames.split(tagnames.written(names)) == names


def test_google_puts_its_own_groups_on_everybody() -> None:
    assert tagnames.in_cell("* myContacts ::: Friends").names == (("friends", "Friends"),)


def test_names_that_are_too_long_are_reported() -> None:
    long = "x" * 101
    # One character that has 18 letters without width and case.
    wide = "\ufdfa" * 20
    found = tagnames.in_cell(f"{long}, ok, {wide}")
    assert found.names == (("ok", "ok"),)
    assert found.problems == (("tag_long", long), ("tag_long", wide))
    assert tagnames.in_cell("a," * 6_000).problems == (("value_text", ("a," * 6_000)[:200]),)


def test_a_row_has_a_bound() -> None:
    cells = [", ".join(f"a{n}" for n in range(40)), ", ".join(f"A{n}" for n in range(60))]
    names, problems = TagReader().read(cells)
    assert list(names) == [f"a{n}" for n in range(50)]
    assert problems == [("tags_many", ", ".join(f"A{n}" for n in range(50, 60)))]


def test_a_file_brings_so_many_new_tags() -> None:
    reader = TagReader({"known"}, room=2)
    assert reader.read(["known, a"]) == ({"known": "known", "a": "a"}, [])
    assert reader.read(["A, b, c"]) == ({"a": "A", "b": "b"}, [("tags_new", "c")])
    assert reader.read(["Known", "b", "d"]) == ({"known": "Known", "b": "b"}, [("tags_new", "d")])


@pytest.mark.parametrize(
    "cell",
    ['"' * 9_999, '",' * 4_999, '"a""' * 2_499, "\n" * 9_999, ',\\"' * 3_333, "[" * 9_999 + "]"],
)
def test_a_cell_is_read_in_linear_time(cell: str) -> None:
    with at_most(0.2):
        tagnames.split(cell)
