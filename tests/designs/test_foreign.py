"""Merge tags of other programs are found, told and converted; other words are left in peace."""

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import Workspace
from contacts.models import Attribute
from designs.checks import MailSource, check
from designs.foreign import PLAIN, convert, find
from designs.foreigntags import TagStyle, read, table
from designs.models import Design
from tests import cputime

FIELDS = {"email", "first_name", "last_name", "full_name", "city", "company"}
KNOWN = [
    ("*|FNAME|*", "{{ first_name }}"),
    ("*|UNSUB|*", "{{ unsubscribe_url }}"),
    ("*|ARCHIVE|*", "{{ view_url }}"),
    ("*|LIST:COMPANY|*", "{{ workspace.name }}"),
    ("*|IF:FNAME|*a*|ELSE:|*b*|END:IF|*", "{% if first_name %}a{% else %}b{% endif %}"),
    ("*|IFNOT:FNAME|*a*|END:IF|*", "{% if not first_name %}a{% endif %}"),
    ("%FIRSTNAME%", "{{ first_name }}"),
    ("%name%", "{{ full_name }}"),
    ("%姓名%", "{{ full_name }}"),
    ("%%First Name%%", "{{ first_name }}"),
    ("%recipient.first_name%", "{{ first_name }}"),
    ("[[FIRSTNAME]]", "{{ first_name }}"),
    ("[firstname,fallback=]", "{{ first_name }}"),
    ("[firstname,fallback=it's you]", "{{ first_name|default('it\\'s you') }}"),
    ("{{ .Subscriber.FirstName }}", "{{ first_name }}"),
    ("{{ .Subscriber.Attribs.city }}", "{{ city }}"),
    ("{{ UnsubscribeURL }}", "{{ unsubscribe_url }}"),
    ("{{ if .Subscriber.City }}x{{ end }}", "{% if city %}x{% endif %}"),
    ('{{ TrackLink "https://a.example/" . }}', "https://a.example/"),
    ("{{ contact.FIRSTNAME }}", "{{ first_name }}"),
    ("{{ contact.FIRSTNAME|upper }}", "{{ first_name|upper }}"),
    ("{{contact.first_name}}", "{{ first_name }}"),
    ("{{ person.first_name|default:'x' }}", "{{ first_name|default('x') }}"),
    ('{{ contact.FIRSTNAME | default : "x" }}', "{{ first_name|default('x') }}"),
    ("{{ first_name|default:'x' }}", "{{ first_name|default('x') }}"),
    ("{{ FNAME }}", "{{ first_name }}"),
    ("{{{first_name}}}", "{{ first_name }}"),
    ("{{#if city}}a{{else}}b{{/if}}", "{% if city %}a{% else %}b{% endif %}"),
    ("{% unsubscribe %}", "{{ unsubscribe_url }}"),
    ("<%asm_group_unsubscribe_raw_url%>", "{{ unsubscribe_url }}"),
    ("<%asm_preferences_raw_url%>", "{{ preferences_url }}"),
    ("*|UPDATE_PROFILE|*", "{{ preferences_url }}"),
    ("{{ ManageURL }}", "{{ preferences_url }}"),
    ("{% manage_preferences %}", "{{ preferences_url }}"),
    ("{contactfield=firstname}", "{{ first_name }}"),
    ("{contactfield=firstname|pal}", "{{ first_name|default('pal') }}"),
    ("#{name}", "{{ full_name }}"),
    ("${name}", "{{ full_name }}"),
    ("{UserName}", "{{ full_name }}"),
    ("{EAddr}", "{{ email }}"),
    ("{$name}", "{{ full_name }}"),
    ("{!Contact.FirstName}", "{{ first_name }}"),
    ("{{lead.First Name:default=you}}", "{{ first_name|default('you') }}"),
    ("https://a.example/?e=*%7CEMAIL%7C*", "https://a.example/?e={{ email }}"),
    ("https://a.example/?e=%7B%7Bcontact.EMAIL%7D%7D", "https://a.example/?e={{ email }}"),
    ("https://a.example/?n=%7Bcontactfield=firstname%7D", "https://a.example/?n={{ first_name }}"),
    ("%7b%7b%20unsubscribe_url%20%7d%7d", "{{ unsubscribe_url }}"),
    ('{{var:firstname:"you"}}', "{{ first_name|default('you') }}"),
    ('[[data:firstname:""]]', "{{ first_name }}"),
    ('[[FIRSTNAME OR "Friend"]]', "{{ first_name|default('Friend') }}"),
    ('[[custom "city"]]', "{{ city }}"),
    ("[% first_name | you %]", "{{ first_name|default('you') }}"),
    ("$[FNAME]$", "{{ first_name }}"),
    ("{contact.first_name}", "{{ first_name }}"),
    ("{action.unsubscribeUrl}", "{{ unsubscribe_url }}"),
    ("{subtag:name}", "{{ full_name }}"),
    ("[subscriber:firstname | default:reader]", "{{ first_name|default('reader') }}"),
    ("[link:subscription_unsubscribe_url]", "{{ unsubscribe_url }}"),
    ("[link:newsletter_view_in_browser_url]", "{{ view_url }}"),
    ("[Contact.First Name]", "{{ first_name }}"),
    ("~Contact.FirstName~", "{{ first_name }}"),
    ("%Subscriber:EmailAddress%", "{{ email }}"),
    ("{ UserName }", "{{ full_name }}"),
    ("{{ FIRSTNAME | upcase }}", "{{ first_name| upper }}"),
]
UNKNOWN = [
    "*|MERGE7|*",
    "*|IF:MERGE7|*a*|END:IF|*",
    "%ORDERNO%",
    "[[ORDER]]",
    "{{ .Subscriber.Attribs.x }}",
    "{{ params.CODE }}",
    "{{#each items}}a{{/each}}",
    "{$order}",
    "*|DATE:d/m/y|*",
    "*|FEEDBLOCK:https://a.example/rss|*",
    "*|IF:AGE &gt; 20|*a*|END:IF|*",
    "%%=v(@FirstName)=%%",
    "%%[ set @x = 1 ]%%",
    "https://a.example/x@TrackLink",
    "{assetlink=1}",
    "{resubscribe_url}",
]
DOUBTFUL = [
    "{name}",
    "{First Name}",
    "{姓名}",
    "[email]",
    "[姓名]",
    "-first_name-",
    "##name##",
    "[[Page]]",
    "[COMPANY_FULL_ADDRESS]",
    "[currentyear]",
    "{Gender}",
    "%First Name%",
    "@FIRSTNAME@",
    "$First Name$",
]
PEACEFUL = [
    "100% off, 50% more, 5%",
    "100%NAME%",
    "https://shop.example/?q=%20Name%20x%E4%BD%A0%E5%A5%BD%AB%CD",
    "https://shop.example/%E4%BD%",
    "[1] [sic] [CTA] [name](https://x.example) array[name]",
    '{} {"name": 1} {a:b} { margin: 0 } {0} ${5} $5 and $10 C#{',
    "<style>p{color:red} .a{name} %NAME%</style>",
    "<script>`${name}`</script>",
    "<!-- {name} -->",
    "{{ first_name }} {{ workspace.name }} {{ city|default('x') }} {{ unsubscribe_url }}",
    "{% if city %}x{% else %}y{% endif %}",
    "{% for user in [city] %}{{ user.name }}{{ loop.index }}{% endfor %}",
    "{% raw %}*|FNAME|* {{ contact.x }}{% endraw %}",
    "{# *|FNAME|* #}",
    "me@FIRSTNAME.example @CITY @x@ ~5~ ~Contact~ $5 name$ US$ [2026_01] [OK] [A_B]",
    "20%20 50%Off Name% https://a.example/%7Bname%7D * | * *|* **|x|**",
    "state-of-the-art x-name-y #name ## **|bold|** e-mail",
]


def found(words: str, part: str = "html") -> list[tuple[str, str, int]]:
    source = MailSource(**({"subject": "Hi", "html": "{{ unsubscribe_url }}"} | {part: words}))
    problems = check(source, fields=FIELDS)
    return [(one.severity, one.part, one.line) for one in problems if one.code == "foreign_tag"]


@pytest.mark.parametrize(("words", "made"), KNOWN)
@pytest.mark.parametrize("part", ["subject", "preheader", "html", "text"])
def test_known_tags_are_errors_and_are_converted(words: str, made: str, part: str) -> None:
    assert set(found(f"x\n{words}", part)) == {("error", part, 2)}
    converted, count = convert(f"x\n{words}", FIELDS, html=part == "html")
    assert converted == f"x\n{made}"
    assert count >= 1
    assert not found(converted, part)


@pytest.mark.parametrize("kind", table().kinds, ids=lambda kind: kind.example)
def test_each_way_of_writing_has_an_example(kind: TagStyle) -> None:
    tags = find(kind.example, FIELDS, html=True)
    assert [tag.program for tag in tags] == [kind.program]
    assert kind.pattern.fullmatch(kind.example, kind.example.index(tags[0].text))


def test_a_table_of_another_form_is_refused() -> None:
    head = '[names]\n[words]\nobjects = ""\nfilters = []\n[pieces]\n[[tag]]\nexample = "a"\n'
    with pytest.raises(TypeError):
        read(head + 'pattern = "a"\nprogramm = "A"')
    with pytest.raises(KeyError):
        read(head + 'pattern = "<<nothing>>"')


def test_a_program_has_the_name_of_the_reader_s_language() -> None:
    with translation.override("zh-hans"):
        assert "阿里云" in str(check(MailSource("{UserName}", "x"), fields=FIELDS))
    assert "Aliyun" in str(check(MailSource("{UserName}", "x"), fields=FIELDS))


def test_elements_of_other_programs_become_links() -> None:
    words = '<unsubscribe style="color:red">Go</unsubscribe> <webversion>See</webversion>'
    assert {one[0] for one in found(words)} == {"error"}
    assert convert(words, FIELDS, html=True) == (
        '<a href="{{ unsubscribe_url }}" style="color:red">Go</a> <a href="{{ view_url }}">See</a>',
        4,
    )


def test_quotes_that_an_editor_wrote_as_references_are_quotes() -> None:
    words = "{{ first_name | default: &quot;R&amp;D&quot; }}"
    assert convert(words, FIELDS, html=True)[0] == "{{ first_name|default('R&D') }}"


@pytest.mark.parametrize("words", UNKNOWN)
def test_unknown_tags_stay_and_are_errors(words: str) -> None:
    assert {one[0] for one in found(words)} == {"error"}
    assert convert(words, FIELDS) == (words, 0)


@pytest.mark.parametrize("words", DOUBTFUL)
def test_what_may_be_meant_is_a_warning(words: str) -> None:
    assert found(f"Dear {words}!") == [("warning", "html", 1)]
    assert convert(words, FIELDS) == (words, 0)


@pytest.mark.parametrize("words", PEACEFUL)
def test_other_words_are_left_in_peace(words: str) -> None:
    assert not find(words, FIELDS, html=True)


def test_tags_in_links_are_one_problem() -> None:
    html = '<a href="*|ARCHIVE|*">x</a><a href="https://x.example/?e=*|EMAIL|*">y</a>'
    problems = check(MailSource(subject="Hi", html=html + "{{ unsubscribe_url }}"), fields=FIELDS)
    assert [one.code for one in problems] == ["foreign_tag", "foreign_tag"]


def test_a_syntax_error_is_said_in_the_tag_s_words() -> None:
    source = MailSource(subject="Hi", html="{{ .Subscriber.FirstName }}{{ unsubscribe_url }}")
    [problem] = check(source, fields=FIELDS)
    assert problem.text == (
        "“{{ .Subscriber.FirstName }}” is a merge tag of listmonk. Here it is {{ first_name }}."
    )


def test_a_person_says_what_a_tag_becomes() -> None:
    words = "*|MERGE7|* %FIRSTNAME% {name} [email]"
    chosen = {"*|MERGE7|*": "city", "%FIRSTNAME%": PLAIN, "{name}": "convert", "[email]": ""}
    converted, count = convert(words, FIELDS, chosen=chosen)
    assert converted == "{{ city }} {% raw %}%FIRSTNAME%{% endraw %} {{ full_name }} [email]"
    assert count == 3
    assert not found("{% raw %}%FIRSTNAME%{% endraw %}")


@pytest.mark.parametrize(
    "piece", ["{", "*|", "%A", "{{", "[[", "<!--", "{% raw %}", "-", "{{a|", "$["]
)
def test_long_nonsense_takes_linear_time(piece: str) -> None:
    with cputime.at_most(8):
        find(piece * (200_000 // len(piece)), FIELDS, html=True)


def test_the_page_converts(owner_client: Client, workspace: Workspace) -> None:
    Attribute.objects.create(workspace=workspace, key="city", label="City", type="text")
    html = "<p>Hi *|FNAME|*, *|MERGE7|* and *|MERGE7|*, {name}, [email]</p>{{ unsubscribe_url }}"
    design = Design.objects.create(
        workspace=workspace, name="D", subject="%FIRSTNAME%, hi", html=html
    )
    editor = owner_client.get(f"/w/brand/designs/{design.pk}/").content.decode()
    assert f"/w/brand/designs/{design.pk}/convert/" in editor
    page = owner_client.get(f"/w/brand/designs/{design.pk}/convert/").content.decode()
    assert "Mailchimp" in page
    tags = ["%FIRSTNAME%", "*|FNAME|*", "*|MERGE7|*", "{name}", "[email]"]
    choices = ["convert", "convert", "city", "plain", "nonsense"]
    data = {"version": str(design.version)}
    for number, (tag, choice) in enumerate(zip(tags, choices, strict=True)):
        assert f'name="tag-{number}" value="{tag}"' in page
        data |= {f"tag-{number}": tag, f"choice-{number}": choice}
    answer = owner_client.post(f"/w/brand/designs/{design.pk}/convert/", data, follow=True)
    assert "5 merge tags are converted." in answer.content.decode()
    design.refresh_from_db()
    assert design.subject == "{{ first_name }}, hi"
    assert design.html == (
        "<p>Hi {{ first_name }}, {{ city }} and {{ city }}, {% raw %}{name}{% endraw %}, "
        "[email]</p>{{ unsubscribe_url }}"
    )
    assert design.version == 2
    # An older version is not saved over a newer one.
    stale = owner_client.post(
        f"/w/brand/designs/{design.pk}/convert/", {**data, "tag-0": "[email]"}, follow=True
    )
    assert "saved this design" in stale.content.decode()


def test_a_conversion_can_be_undone(owner_client: Client, workspace: Workspace) -> None:
    html, text = "<p>Hi *|FNAME|*</p>\r\n{{ unsubscribe_url }}", "%FIRSTNAME%"
    design = Design.objects.create(
        workspace=workspace, name="D", subject="Hi", html=html, text=text
    )
    base = f"/w/brand/designs/{design.pk}/"
    assert f"{base}convert/undo/" not in owner_client.get(base).content.decode()
    choices = {"tag-0": "*|FNAME|*", "choice-0": "convert", "tag-1": text, "choice-1": "convert"}
    page = owner_client.post(f"{base}convert/", {"version": "1", **choices}, follow=True)
    assert f"{base}convert/undo/" in page.content.decode()
    design.refresh_from_db()
    assert (design.version, design.text) == (2, "{{ first_name }}")
    answer = owner_client.post(f"{base}convert/undo/", follow=True)
    assert "The merge tags are as they were before." in answer.content.decode()
    design.refresh_from_db()
    assert (design.version, design.html, design.text) == (3, html, text)
    assert f"{base}convert/undo/" not in owner_client.get(base).content.decode()

    # Not after something else was saved: that would be lost.
    owner_client.post(f"{base}convert/", {"version": "3", **choices})
    Design.objects.filter(pk=design.pk).update(version=5, name="Other")
    assert f"{base}convert/undo/" not in owner_client.get(base).content.decode()
    answer = owner_client.post(f"{base}convert/undo/", follow=True)
    assert "The design was changed since then" in answer.content.decode()
    design.refresh_from_db()
    assert (design.name, design.text) == ("Other", "{{ first_name }}")
