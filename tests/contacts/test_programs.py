"""Exports of other programs are imported without a choice by a person."""

import re
from dataclasses import dataclass, field

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts import columns
from contacts.columns import KnownAttribute
from contacts.models import Attribute, Contact, Import, List, Subscription, Suppression
from contacts.programs import PROGRAMS
from contacts.statuswords import EMPTY
from tests.contacts.test_imports import chosen, ran, received

pytestmark = pytest.mark.django_db(transaction=True)

UP, OUT = "subscribed", "unsubscribed"
BOUNCED, SUPPRESSED = ("hard_bounced", ""), ("imported", "")


@dataclass(frozen=True)
class Export:
    """A program's file, and what becomes of it. `people`: {local part: (status on the list, or the
    reason of the suppression, or "": neither; name)}; `attributes` and `tags`: those of the first
    person; `asked`: words that nobody can guess."""

    program: str
    data: str
    people: dict[str, tuple[str, str]]
    attributes: dict[str, object] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


MAILCHIMP = (
    "Email Address,First Name,Last Name,Address,Phone Number,Birthday,Language,MEMBER_RATING,"
    "OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION"
)
SEEN = "3,2023-01-05 10:00:00,,2023-01-05 10:01:00,192.0.2.7,48.1,11.5,1,2,Europe/Berlin,DE,BY"
KLAVIYO = (
    "Email,Klaviyo ID,First Name,Last Name,Organization,Title,Phone Number,Address,Address 2,City,"
    "State / Region,Country,Zip Code,Latitude,Longitude,Locale,Source,Email Marketing Consent,"
    "Email Suppressions,Email Suppressions Timestamp,First Active,Last Active,Profile Created On,"
    "Last Open,Last Click,Initial Source,Last Source,Historic Customer Lifetime Value"
)
OUTLOOK = (
    '"Title","First Name","Middle Name","Last Name","Suffix","Company","Department","Job Title",'
    '"Business Street","Business City","Home Phone","Mobile Phone","Anniversary","Birthday",'
    '"Categories","Directory Server","E-mail Address","E-mail Type","E-mail Display Name",'
    '"E-mail 2 Address","E-mail 2 Type","E-mail 2 Display Name","Gender","Initials",'
    '"Internet Free Busy","Language","Notes","Priority","Private","Sensitivity","Web Page"'
)
OUTLOOK_ZH = (
    '"称谓","名","中间名","姓","后缀","单位","部门","职务","商务地址 街道","商务电话","移动电话",'
    '"生日","纪念日","类别","目录服务器","电子邮件地址","电子邮件类型","电子邮件显示名称",'
    '"电子邮件 2 地址","电子邮件 2 类型","电子邮件 2 显示名称","附注","缩写","敏感度",'
    '"私有","优先级","语言"'
)

EXPORTS = {
    "mailchimp-audience": Export(
        "Mailchimp (audience)",
        f"{MAILCHIMP},LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
        f'ann@a.example,Ann,Lee,"1 High St  Bath",0117 496 0001,05/14,en,{SEEN},'
        '2023-02-01 08:00:00,5001,a1b2c3,met in May,"""VIP"",""Trade"""\n'
        f"bo@b.example,Bo,,,,,de,{SEEN},2023-02-01 08:00:00,5002,a1b2c4,,\n"
        f"cy@c.example,,,,,,,{SEEN},2023-02-01 08:00:00,5003,a1b2c5,,\n",
        {"ann": (UP, "Ann Lee"), "bo": (UP, "Bo"), "cy": (UP, "")},
        {
            "address": "1 High St  Bath",
            "phone": "0117 496 0001",
            "birthday": "05-14",
            "language": "en",
            "note": "met in May",
        },
        tags=("Trade", "VIP"),
    ),
    "mailchimp-unsubscribed": Export(
        "Mailchimp (unsubscribed)",
        f"{MAILCHIMP},UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,"
        "UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS\n"
        f"ann@a.example,Ann,Lee,,,,en,{SEEN},2024-02-03 10:00:00,Spring,77,NORMAL,,1,a1,,\n"
        f"bo@b.example,Bo,,,,,de,{SEEN},2024-02-04 10:00:00,,,N/A (Unsubscribed by admin),,2,a2,,\n"
        f"cy@c.example,Cy,,,,,,{SEEN},2024-02-05 10:00:00,Spring,77,OTHER,too many,3,a3,,\n",
        {"ann": (OUT, "Ann Lee"), "bo": (OUT, "Bo"), "cy": (OUT, "Cy")},
        {"language": "en"},
    ),
    "mailchimp-cleaned": Export(
        "Mailchimp (cleaned)",
        f"{MAILCHIMP},CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS\n"
        f"ann@a.example,Ann,Lee,,,,en,{SEEN},2024-03-04 10:00:00,Spring,77,1,a1,,\n"
        f"bo@b.example,Bo,,,,,,{SEEN},2024-03-05 10:00:00,Spring,77,2,a2,,\n"
        f"cy@c.example,,,,,,,{SEEN},2024-03-06 10:00:00,Spring,77,3,a3,,\n",
        {"ann": BOUNCED, "bo": BOUNCED, "cy": BOUNCED},
    ),
    "hubspot": Export(
        "HubSpot",
        "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,"
        "Preferred language,Unsubscribed from all email,Email hard bounce reason,Create Date,"
        "Last Activity Date,Associated Company,Associated Company IDs,Lifecycle Stage\n"
        "101,Ann,Lee,ann@a.example,+44 117 4960001,Kim Owner,NEW,en,,,2024-03-12 09:14,"
        "2024-04-01 10:00,Acme,9001,Customer\n"
        "102,Bo,,bo@b.example,,Kim Owner,OPEN_DEAL,de,true,,2024-03-12 09:15,,,,Lead\n"
        "103,Cy,,cy@c.example,,,,,,UNKNOWN_USER,2024-03-12 09:16,,,,Lead\n",
        {"ann": (UP, "Ann Lee"), "bo": (OUT, "Bo"), "cy": BOUNCED},
        {
            "phone": "+44 117 4960001",
            "lead_status": "NEW",
            "language": "en",
            "associated_company": "Acme",
            "lifecycle_stage": "Customer",
        },
    ),
    "hubspot-opted-out": Export(
        "HubSpot (unsubscribed and bounced)",
        "Email,Portal Bounce,Portal Unsubscribe,Portal Spam Report,Global Bounce\n"
        "ann@a.example,,TRUE,,\nbo@b.example,TRUE,,,\ncy@c.example,,,TRUE,\n",
        {"ann": (OUT, ""), "bo": BOUNCED, "cy": ("complained", "")},
    ),
    "brevo": Export(
        "Brevo",
        "CONTACT ID,EMAIL,FIRSTNAME,LASTNAME,SMS,LANDLINE_NUMBER,WHATSAPP,INTERESTS,LANGUAGE,"
        "DOUBLE_OPT-IN,EMAIL_BLACKLISTED,SMS_BLACKLISTED,ADDED_TIME,MODIFIED_TIME\n"
        "1,ann@a.example,Ann,Lee,33612345678,,,yoga,fr,No,No,Yes,2024-01-01,2024-01-02\n"
        "2,bo@b.example,Bo,,,,,,,Yes,Yes,No,2024-01-01,2024-01-02\n"
        "3,cy@c.example,Cy,,,,,,,Yes,No,No,2024-01-01,2024-01-02\n",
        {"ann": (UP, "Ann Lee"), "bo": SUPPRESSED, "cy": (UP, "Cy")},
        {"phone": "33612345678", "interests": "yoga", "language": "fr"},
    ),
    "shopify": Export(
        "Shopify",
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,"
        "Default Address Address1,Default Address City,Default Address Province Code,"
        "Default Address Country Code,Default Address Zip,Phone,Accepts SMS Marketing,Total Spent,"
        "Total Orders,Note,Tax Exempt,Tags\n"
        "'7001,Ann,Lee,ann@a.example,yes,Acme,1 High St,Bath,ENG,GB,'0100,'+441174960001,no,120.50,"
        '3,,no,"vip, trade"\n'
        "'7002,Bo,,bo@b.example,no,,,,,,,,no,0.00,0,,no,\n"
        "'7003,Cy,,cy@c.example,yes,,,,,,,,yes,9.90,1,,no,\n",
        {"ann": (UP, "Ann Lee"), "bo": (OUT, "Bo"), "cy": (UP, "Cy")},
        {
            "company": "Acme",
            "address": "1 High St",
            "city": "Bath",
            "province": "ENG",
            "country": "GB",
            "zip": "0100",
            "phone": "+441174960001",
            "total_spent": 120.5,
            "total_orders": 3,
        },
        tags=("trade", "vip"),
    ),
    "klaviyo": Export(
        "Klaviyo",
        f"{KLAVIYO}\n"
        "ann@a.example,01HX1,Ann,Lee,Acme,Buyer,+441174960001,1 High St,,Bath,Somerset,GB,BA1,51.3,"
        "-2.3,en-GB,-8,SUBSCRIBED,[],[],2023-01-01,2024-01-01,2023-01-01,2024-01-01,,Form,Form,12.5\n"
        "bo@b.example,01HX2,Bo,,,,,,,,,,,,,,-8,UNSUBSCRIBED,['UNSUBSCRIBED'],"
        "['2024-02-01 10:00:00'],2023-01-01,,2023-01-01,,,,,\n"
        "cy@c.example,01HX3,Cy,,,,,,,,,,,,,,-8,NEVER_SUBSCRIBED,[],[],2023-01-01,,2023-01-01,,,,,\n"
        "di@d.example,01HX4,Di,,,,,,,,,,,,,,-8,SUBSCRIBED,['HARD_BOUNCE'],['2024-02-01 10:00:00'],"
        "2023-01-01,,2023-01-01,,,,,\n"
        "ed@e.example,01HX5,Ed,,,,,,,,,,,,,,-8,SUBSCRIBED,['USER_SUPPRESSED'],"
        "['2024-02-01 10:00:00'],2023-01-01,,2023-01-01,,,,,\n",
        {
            "ann": (UP, "Ann Lee"),
            "bo": (OUT, "Bo"),
            "cy": ("", "Cy"),
            "di": BOUNCED,
            "ed": SUPPRESSED,
        },
        {
            "company": "Acme",
            "job_title": "Buyer",
            "phone": "+441174960001",
            "address": "1 High St",
            "city": "Bath",
            "province": "Somerset",
            "country": "GB",
            "zip": "BA1",
            "language": "en-GB",
            "historic_customer_lifetime_value": 12.5,
        },
    ),
    "google": Export(
        "Google Contacts",
        "First Name,Middle Name,Last Name,Phonetic First Name,Name Prefix,Nickname,File As,"
        "Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,Labels,"
        "E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,"
        "Phone 1 - Value,Address 1 - Label,Address 1 - City\n"
        "Ann,,Lee,,,,Lee Ann,Acme,Buyer,Sales,1980-05-14,met in May,https://p.example/1.png,"
        "* myContacts ::: Friends,* Work,ann@a.example,Home,ann@home.example,Mobile,"
        "+44 117 4960001,Work,Bath\n"
        "Bo,,,,,,,,,,,,,* myContacts,*,bo@b.example ::: bo@home.example,,,,,,\n"
        "Cy,,,,,,,,,,,,,* myContacts,*,cy@c.example,,,,,,\n",
        {"ann": (UP, "Ann Lee"), "bo": (UP, "Bo"), "cy": (UP, "Cy")},
        {
            "company": "Acme",
            "job_title": "Buyer",
            "department": "Sales",
            "birthday": "1980-05-14",
            "note": "met in May",
            "e_mail_2_value": "ann@home.example",
            "phone": "+44 117 4960001",
            "city": "Bath",
        },
        tags=("Friends",),
    ),
    "outlook": Export(
        "Outlook",
        f"{OUTLOOK}\n"
        '"Ms","Ann","","Lee","","Acme","Sales","Buyer","1 High St","Bath","","+44 117 4960001",'
        '"0/0/00","5/14/1980","Trade;VIP","","ann@a.example","SMTP","Ann Lee (ann@a.example)",,,,'
        '"Unspecified","A.L.",,"en","met in May","Normal","False","Normal",""\n'
        '"","Bo","","","","","","","","","","","0/0/00","0/0/00","","","bo@b.example","SMTP","Bo",,,,'
        '"Unspecified","B.",,"","","Normal","False","Normal",""\n'
        '"","Cy","","","","","","","","","","","0/0/00","0/0/00","","","cy@c.example","SMTP","Cy",,,,'
        '"Unspecified","C.",,"","","Normal","False","Normal",""\n',
        {"ann": (UP, "Ann Lee"), "bo": (UP, "Bo"), "cy": (UP, "Cy")},
        {
            "salutation": "Ms",
            "company": "Acme",
            "department": "Sales",
            "job_title": "Buyer",
            "business_street": "1 High St",
            "business_city": "Bath",
            "phone": "+44 117 4960001",
            "birthday": "1980-05-14",
            "gender": "Unspecified",
            "language": "en",
            "note": "met in May",
        },
        tags=("Trade", "VIP"),
    ),
    "outlook-zh": Export(
        "Outlook",
        f"{OUTLOOK_ZH}\n"
        '"女士","伟","","王","","雁书公司","销售部","经理","南京路1号","","13800000000","1980/5/14",'
        '"0/0/00","客户","","wang@a.example","SMTP","王伟 (wang@a.example)",,,,"五月见过","W",'
        '"普通","False","普通","zh-CN"\n'
        '"","芳","","李","","","","","","","","0/0/00","0/0/00","","","li@b.example","SMTP","李芳",,,,'
        '"","","普通","False","普通",""\n'
        '"","","","","","","","","","","","0/0/00","0/0/00","","","z@c.example","SMTP","",,,,'
        '"","","普通","False","普通",""\n',
        {"wang": (UP, "伟 王"), "li": (UP, "芳 李"), "z": (UP, "")},
        {
            "salutation": "女士",
            "company": "雁书公司",
            "department": "销售部",
            "job_title": "经理",
            "商务地址_街道": "南京路1号",
            "phone": "13800000000",
            "birthday": "1980-05-14",
            "note": "五月见过",
            "language": "zh-CN",
        },
        tags=("客户",),
    ),
    "listmonk": Export(
        "listmonk",
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '1f0c-11,ann@a.example,Ann Lee,"{""city"": ""Bath""}",enabled,2024-01-01 10:00:00,'
        "2024-01-01 10:00:00\n"
        "1f0c-12,bo@b.example,Bo,{},blocklisted,2024-01-01 10:00:00,2024-01-01 10:00:00\n"
        "1f0c-13,cy@c.example,Cy,{},disabled,2024-01-01 10:00:00,2024-01-01 10:00:00\n",
        {"ann": (UP, "Ann Lee"), "bo": SUPPRESSED, "cy": ("", "Cy")},
        {"attributes": '{"city": "Bath"}'},
    ),
    "mautic": Export(
        "Mautic",
        "id,title,firstname,lastname,company,position,email,phone,mobile,points,address1,city,state,"
        "zipcode,country,preferred_locale,timezone,last_active,doNotContact,dateAdded\n"
        "1,Ms,Ann,Lee,Acme,Buyer,ann@a.example,+441174960001,,12,1 High St,Bath,Somerset,BA1,"
        "United Kingdom,en_GB,Europe/London,2024-01-01 10:00:00,0,2023-01-01\n"
        "2,,Bo,,,,bo@b.example,,,0,,,,,,,,,1,2023-01-01\n"
        "3,,Cy,,,,cy@c.example,,,0,,,,,,,,,0,2023-01-01\n",
        {"ann": (UP, "Ann Lee"), "bo": SUPPRESSED, "cy": (UP, "Cy")},
        {
            "salutation": "Ms",
            "company": "Acme",
            "job_title": "Buyer",
            "phone": "+441174960001",
            "address1": "1 High St",
            "city": "Bath",
            "province": "Somerset",
            "zip": "BA1",
            "country": "United Kingdom",
            "language": "en_GB",
        },
    ),
    "sendcloud": Export(
        "SendCloud",
        "邮箱地址,API_USER,退订时间,退订原因\n"
        "ann@a.example,brand_batch,2024-02-03 10:00:00,不感兴趣\n"
        "bo@b.example,brand_batch,2024-02-04 10:00:00,\n"
        "cy@c.example,brand_batch,2024-02-05 10:00:00,邮件太多\n",
        {"ann": (OUT, ""), "bo": (OUT, ""), "cy": (OUT, "")},
    ),
    "aliyun": Export(
        "Alibaba Cloud Direct Mail",
        "EAddr,UserName,NickName,Gender,Birthday,Mobile\n"
        "ann@a.example,Ann Lee,Annie,Ms,1990/1/1,13800000000\n"
        "bo@b.example,Bo,,,,\ncy@c.example,,,,,\n",
        {"ann": (UP, "Ann Lee"), "bo": (UP, "Bo"), "cy": (UP, "")},
        {
            "nickname": "Annie",
            "salutation": "Ms",
            "birthday": "1990-01-01",
            "phone": "13800000000",
        },
    ),
    "aliyun-zh": Export(
        "Alibaba Cloud Direct Mail",
        "收件人地址{EAddr},收件人姓名{UserName},收件人昵称{NickName},收件人称谓{Gender},"
        "收件人生日{Birthday},收件人手机{Mobile}\n"
        "wang@a.example,王伟,小王,先生,1990/1/1,13800000000\n"
        "li@b.example,李芳,,,,\nz@c.example,,,,,\n",
        {"wang": (UP, "王伟"), "li": (UP, "李芳"), "z": (UP, "")},
        {
            "nickname": "小王",
            "salutation": "先生",
            "birthday": "1990-01-01",
            "phone": "13800000000",
        },
    ),
}


def outcome() -> dict[str, tuple[str, str]]:
    """As `Export.people`."""
    found: dict[str, tuple[str, str]] = {}
    stands = dict(Subscription.objects.values_list("contact__email", "status"))
    for one in Contact.objects.all():
        name = one.full_name or f"{one.first_name} {one.last_name}".strip()
        found[one.email.partition("@")[0]] = (stands.get(one.email, ""), name)
    for stop in Suppression.objects.all():
        found[stop.value.partition("@")[0]] = (stop.reason, "")
    return found


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_imported_as_it_comes(workspace: Workspace, name: str) -> None:
    export = EXPORTS[name]
    news = List.objects.create(workspace=workspace, name="News")
    file = received(workspace, export.data)
    counts = ran(chosen(file, target=news))
    assert outcome() == export.people
    assert counts["asked"] == counts["rejected"] == 0
    first = Contact.objects.filter(email__startswith=f"{next(iter(export.people))}@").first()
    assert (first.attributes if first else {}) == export.attributes
    tagged = first.tagged.order_by("tag__key").values_list("tag__name", flat=True) if first else ()
    assert tuple(tagged) == export.tags


@pytest.mark.parametrize("name", EXPORTS)
def test_the_program_is_recognised(name: str) -> None:
    export = EXPORTS[name]
    header = export.data.partition("\n")[0].replace('"', "").split(",")
    program = columns.program_of(header)
    assert program
    assert str(program.label) == export.program


def test_every_program_has_an_export() -> None:
    shown = {one.program for one in EXPORTS.values()} | {"Mailchimp"}  # two files in one
    assert {str(program.label) for program in PROGRAMS} == shown


@pytest.mark.parametrize(
    "header",
    [
        "email,name,status",
        "Email Address,First Name,Last Name,Tags",
        "email,first_name,last_name,uuid,created_at",
        "Record ID,Company,Phone",
        "username,email",
        "email,status,status_reason,status_at,suppressed_at,added_at,uuid,name,attributes",
    ],
)
def test_other_files_are_of_no_program(header: str) -> None:
    assert columns.program_of(header.split(",")) is None


JOINED = (
    "Email Address,MEMBER_RATING,LEID,UNSUB_TIME,CLEAN_TIME{0}\n"
    "ann@a.example,2,7,2024-02-03 10:00:00,{1}\nbo@b.example,2,8,,2024-02-03 10:00:00{1}\n"
    "cy@c.example,2,9,,{1}\n"
)


@pytest.mark.parametrize(
    ("column", "cell", "asked"), [("", "", 0), (",LAST_CHANGED", ",2024-02-03 10:00:00", 1)]
)
def test_files_of_mailchimp_joined(
    workspace: Workspace, column: str, cell: str, asked: int
) -> None:
    """Each row has one of the two dates, and none if the file of subscribed people is among
    them."""
    news = List.objects.create(workspace=workspace, name="News")
    counts = ran(chosen(received(workspace, JOINED.format(column, cell)), target=news))
    assert outcome() == {"ann": (OUT, ""), "bo": BOUNCED, "cy": ("", "")}
    assert counts["asked"] == asked


@pytest.mark.parametrize(
    "header",
    [
        "Email Address,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON,LEID",
        "Email Address,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON,LEID,LAST_CHANGED",
        "Email Address,MEMBER_RATING,UNSUB_TIME,UNSUB_REASON,LEID,LAST_CHANGED",
    ],
)
def test_a_person_without_a_date_in_a_file_that_may_be_of_people_who_left_is_asked_about(
    workspace: Workspace, header: str
) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    row = ",".join("ann@a.example" if name == "Email Address" else "" for name in header.split(","))
    file = received(workspace, f"{header}\n{row}\n")
    assert ran(chosen(file, target=news))["asked"] == 1
    assert not news.subscriptions.exists()
    meant = {("unsubscribed", EMPTY): "subscribed"}
    ran(chosen(received(workspace, f"{header}\n{row}\n"), target=news, answers=meant))
    assert news.subscriptions.get().status == UP


@pytest.mark.parametrize("name", ["mailchimp-unsubscribed", "mailchimp-cleaned"])
@pytest.mark.parametrize("cell", ["", "0000-00-00 00:00:00", "########", "03.02.24 10:00"])
def test_nobody_who_left_mailchimp_is_subscribed(
    workspace: Workspace, name: str, cell: str
) -> None:
    """Also if somebody emptied or mangled the dates."""
    news = List.objects.create(workspace=workspace, name="News")
    data = re.sub(r"2024-0[23]-0\d 10:00:00", cell, EXPORTS[name].data)
    ran(chosen(received(workspace, data), target=news))
    assert not news.subscriptions.filter(status=UP).exists()


def test_an_attribute_of_that_name_does_not_hide_who_left() -> None:
    """Somebody imported the column as an attribute before."""
    rows = [["Email Address", "LEID", "UNSUB_TIME"], ["a@b.example", "1", "2024-02-03 10:00:00"]]
    found = columns.describe(
        rows, header=True, known=[KnownAttribute("unsub_time", "UNSUB_TIME", "date")]
    )
    assert [column.guess for column in found] == ["email", "", "unsubscribed"]


def test_an_own_attribute_is_not_left_out() -> None:
    rows = [
        ["uuid", "email", "name", "attributes", "status"],
        ["1", "a@b.example", "", "", "enabled"],
    ]
    found = columns.describe(rows, header=True, known=[KnownAttribute("uuid", "uuid", "text")])
    assert found[0].guess == "attribute:uuid"


def test_a_known_attribute_is_used_for_a_column_of_the_program() -> None:
    rows = [
        ["First Name", "E-mail 1 - Value", "Phone 1 - Label", "Phone 1 - Value"],
        ["Ann", "a@b.example", "Mobile", "+44 117 4960001"],
    ]
    found = columns.describe(rows, header=True, known=[KnownAttribute("phone", "Phone", "text")])
    assert [one.guess for one in found] == ["first_name", "email", "", "attribute:phone"]


def test_unknown_words_are_asked_about_all_the_same(workspace: Workspace) -> None:
    data = (
        "Record ID,Email,Contact owner,Marketing contact status\n"
        "1,ann@a.example,Kim,Marketing contact\n2,bo@b.example,Kim,Gold\n"
    )
    news = List.objects.create(workspace=workspace, name="News")
    counts = ran(chosen(received(workspace, data), target=news))
    assert (counts["asked"], news.subscriptions.count()) == (2, 0)


def test_words_of_a_program_are_words_of_its_files_only(workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    file = received(workspace, "email,status\nann@a.example,blocklisted\n")
    assert ran(chosen(file, target=news))["asked"] == 1
    assert not Suppression.objects.exists()


def test_an_answer_wins_over_the_program(owner_client: Client, workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    file = chosen(received(workspace, EXPORTS["listmonk"].data), target=news)
    at = f"/w/{workspace.slug}/imports/{file.pk}/"
    form = {
        "kind_0": "status",
        "word_0": "blocklisted",
        "text_0": "blocklisted",
        "was_0": "suppressed",
        "meaning_0": "unsubscribed",
    }
    owner_client.post(f"{at}words/", form)
    ran(file)
    assert outcome()["bo"] == (OUT, "Bo")


def test_the_check_says_where_the_file_is_from(owner_client: Client, workspace: Workspace) -> None:
    file = chosen(received(workspace, EXPORTS["mailchimp-audience"].data))
    at = f"/w/{workspace.slug}/imports/{file.pk}/?step=check&now=1"
    said = "This looks like an export of Mailchimp (audience)."
    assert said in owner_client.get(at).content.decode()
    other = chosen(received(workspace, "email,city\na@b.example,Bath\n"))
    at = f"/w/{workspace.slug}/imports/{other.pk}/?step=check&now=1"
    assert "looks like an export" not in owner_client.get(at).content.decode()
    assert Import.objects.filter(state=Import.State.READY).count() == 2


def test_names_of_new_attributes_read_well(workspace: Workspace) -> None:
    """Not "Default Address Company"."""
    file = received(workspace, EXPORTS["shopify"].data)
    ran(chosen(file))
    labels = dict(Attribute.objects.filter(workspace=workspace).values_list("key", "label"))
    assert labels == {
        "company": "Company",
        "address": "Address",
        "city": "City",
        "province": "Province",
        "country": "Country",
        "zip": "Postcode",
        "phone": "Phone",
        "total_spent": "Total Spent",
        "total_orders": "Total Orders",
    }


def test_a_day_without_a_year_is_kept_beside_a_date(
    workspace: Workspace, owner_client: Client
) -> None:
    """Mailchimp's Birthday is MM/DD."""
    Attribute.objects.create(workspace=workspace, key="birthday", label="Birthday", type="date")
    for _time in range(2):  # the attribute is found again
        file = received(workspace, EXPORTS["mailchimp-audience"].data)
        page = owner_client.get(f"/w/brand/imports/{file.pk}/").content.decode()
        assert "These days have no year" in page
        assert ran(chosen(file))["unusable"] == 0
    ann = Contact.objects.get(email="ann@a.example").attributes
    assert ann["birthday_day"] == "05-14"
    assert "birthday" not in ann
    added = Attribute.objects.get(key="birthday_day")
    assert (added.type, added.label) == ("day", "Birthday (day and month)")
