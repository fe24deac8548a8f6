"""Exports of other programs, recognised by the names of their columns. Pure.

A program's table adds to contacts.columns only what is true in its own files: columns that nobody
else needs, merge fields, and status words with one meaning there. Names of columns are in the form
of contacts.columns.fold. Written from exports of these programs and from their public manuals.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts.statuswords import ASK, EMPTY

# Google numbers the columns of several addresses, phones and so on.
_NUMBERED = " ".join(
    f"{what}{number}{about}"
    for what in ("email", "phone", "address", "website", "relation", "event", "im", "customfield")
    for number in range(1, 6)
    for about in ("label", "type")
)
_MAILCHIMP = """memberrating optintime optinip confirmtime confirmip latitude longitude gmtoff
    dstoff timezone cc region lastchanged leid euid unsubcampaigntitle unsubcampaignid unsubreason
    unsubreasonother cleancampaigntitle cleancampaignid emailtype"""
_MAILCHIMP_LEFT = {"unsubtime": "unsubscribed", "cleantime": "bounced"}
# Everybody in these files left or bounced: without the date, they are not subscribed all the same.
_NO_DATE = {
    (kind, word): "skip" for kind in ("unsubscribed", "bounced") for word in (EMPTY, "00000000")
}
# Or it is a file of both, or columns were removed: then nobody knows.
_MAYBE_LEFT = dict.fromkeys(_NO_DATE, ASK)
_KLAVIYO = """klaviyoid latitude longitude source firstactive lastactive profilecreatedon dateadded
    lastopen lastclick updated ipaddress smsconsenttimestamp smsmarketingconsent smssuppressions
    smssuppressionstimestamp initialsource initialsourcereferrer initialsourceterm
    initialsourcemedium initialsourcefirstpage initialsourcecampaign initialsourcecontent lastsource
    lastsourcereferrer lastsourceterm lastsourcemedium lastsourcefirstpage lastsourcecampaign
    lastsourcecontent initialreferringdomain lastreferringdomain lastsearchengine lastsearchkeyword
    churnriskprediction consentformid consentformversion consentmethod consenttimestamp
    emailmarketingconsenttimestamp predictedgender"""
_KLAVIYO_WORDS = {
    ("status", "neversubscribed"): "skip",
    ("suppressed", "usersuppressed"): "suppressed",
    ("suppressed", "invalidemail"): "bounced",
    ("suppressed", "markedasspam"): "complained",
}


# Names of the attributes that an import makes of columns which a program names for itself
# ("Default Address Company"), by their merge field.
LABELS = {
    "company": _("Company"),
    "job_title": _("Job title"),
    "department": _("Department"),
    "address": _("Address"),
    "address_2": _("Address, second line"),
    "address_phone": _("Phone of the address"),
    "city": _("City"),
    "province": _("Province"),
    "country": _("Country"),
    "zip": _("Postcode"),
    "phone": _("Phone"),
    "birthday": _("Birthday"),
    "salutation": _("Salutation"),
    "nickname": _("Nickname"),
}


@dataclass(frozen=True, slots=True)
class Program:
    """`needs`: names of columns that its files have; "a|b" is one of several names.
    `left_out`: columns that only this program needs. `targets`: {name: target}; a status wins over
    an attribute of the same name. `keys`: {name: merge field}. `words`: {(kind, word):
    meaning}, as in contacts.statuswords.Vocabulary; a person's answer wins."""

    label: str | Promise
    needs: tuple[str, ...]
    left_out: frozenset[str] = frozenset()
    targets: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[tuple[str, str], str] = field(default_factory=dict)
    # How it writes days without a year (contacts.values.ORDERS); "": not known.
    days: str = ""

    def label_of(self, name: str) -> str:
        """The name of a new attribute for this column (folded); "": that of the column."""
        return str(LABELS.get(self.keys.get(name, ""), ""))

    def wrote(self, names: frozenset[str]) -> bool:
        return all(not names.isdisjoint(need.split("|")) for need in self.needs)


def _program(  # noqa: PLR0913 - one argument a field
    label: str | Promise,
    needs: str,
    *,
    left_out: str = "",
    targets: Mapping[str, str] | None = None,
    keys: Mapping[str, str] | None = None,
    words: Mapping[tuple[str, str], str] | None = None,
    days: str = "",
) -> Program:
    return Program(
        label, tuple(needs.split()), frozenset(left_out.split()),
        targets or {}, keys or {}, words or {}, days,
    )  # fmt: skip


# The first that fits counts.
PROGRAMS = (
    # Somebody joined its files, it seems: the one of subscribed people has LAST_CHANGED.
    _program(
        "Mailchimp",
        "emailaddress memberrating|optintime|leid unsubtime|cleantime lastchanged",
        left_out=_MAILCHIMP,
        days="mdy",
        targets=_MAILCHIMP_LEFT,
        words=_MAYBE_LEFT,
    ),
    _program(
        "Mailchimp",
        "emailaddress memberrating leid unsubtime cleantime",
        left_out=_MAILCHIMP,
        days="mdy",
        targets=_MAILCHIMP_LEFT,
        words=_NO_DATE,
    ),
    _program(
        _("Mailchimp (unsubscribed)"),
        "emailaddress memberrating leid unsubtime",
        left_out=_MAILCHIMP,
        days="mdy",
        targets=_MAILCHIMP_LEFT,
        words=_NO_DATE,
    ),
    _program(
        _("Mailchimp (cleaned)"),
        "emailaddress memberrating leid cleantime",
        left_out=_MAILCHIMP,
        days="mdy",
        targets=_MAILCHIMP_LEFT,
        words=_NO_DATE,
    ),
    # Columns were removed: people without the date may be of another file.
    _program(
        "Mailchimp",
        "emailaddress memberrating|optintime|leid unsubtime|cleantime",
        left_out=_MAILCHIMP,
        days="mdy",
        targets=_MAILCHIMP_LEFT,
        words=_MAYBE_LEFT,
    ),
    _program(
        _("Mailchimp (audience)"),
        "emailaddress memberrating optintime|leid",
        left_out=_MAILCHIMP,
        days="mdy",
    ),
    _program(
        _("HubSpot (unsubscribed and bounced)"),
        "email portalunsubscribe|portalbounce|portalspamreport",
        targets={
            "portalunsubscribe": "unsubscribed",
            "portalbounce": "bounced",
            "globalbounce": "bounced",
            "portalspamreport": "complained",
        },
        # Reasons in the column of bounces.
        words={("bounced", "unknownuser"): "bounced", ("bounced", "spam"): "bounced"},
    ),
    _program(
        "HubSpot",
        "recordid|recordidcontact email"
        " contactowner|leadstatus|lifecyclestage|createdate|marketingcontactstatus",
        left_out="""recordid recordidcontact contactowner createdate lastactivitydate
            lastmodifieddate nextactivitydate associatedcompanyids associatedcompanyidsprimary
            associatedcontactids associatednote associatednoteids associateddeal associateddealids
            originalsource originaltrafficsource originalsourcedrilldown1 originalsourcedrilldown2
            firstconversion recentconversion""",
        targets={
            "unsubscribedfromallemail": "unsubscribed",
            "emailhardbouncereason": "bounced",
        },
        words={("bounced", "unknownuser"): "bounced", ("bounced", "spam"): "bounced"},
    ),
    _program(
        "Brevo",
        "email sms contactid|addedtime|modifiedtime|emailblacklisted|blacklisted|listids",
        left_out="""contactid addedtime modifiedtime listids smsblacklisted whatsappblacklisted
            doubleoptin extid""",
        targets={"emailblacklisted": "suppressed", "blacklisted": "suppressed"},
    ),
    _program(
        "Shopify",
        "email acceptsemailmarketing|acceptsmarketing totalspent totalorders",
        left_out="""customerid acceptssmsmarketing acceptswhatsappmarketing taxexempt
            taxexemptions""",
        targets={"acceptsemailmarketing": "accepts", "acceptsmarketing": "accepts"},
        keys={
            "defaultaddresscompany": "company",
            "defaultaddressaddress1": "address",
            "defaultaddressaddress2": "address_2",
            "defaultaddresscity": "city",
            "defaultaddressprovincecode": "province",
            "defaultaddresscountrycode": "country",
            "defaultaddresszip": "zip",
            "defaultaddressphone": "address_phone",
        },
    ),
    _program(
        "Klaviyo",
        "email klaviyoid emailsuppressions",
        # The times are those of the suppressions beside them, which say more.
        left_out=f"{_KLAVIYO} emailsuppressionstimestamp",
        targets={"emailmarketingconsent": "status", "emailsuppressions": "suppressed"},
        words=_KLAVIYO_WORDS,
    ),
    _program(
        "Klaviyo",
        "email klaviyoid",
        left_out=_KLAVIYO,
        targets={"emailmarketingconsent": "status", "emailsuppressionstimestamp": "suppressed"},
        words=_KLAVIYO_WORDS,
    ),
    _program(
        _("Google Contacts"),
        "email1value name|firstname|givenname",
        left_out=f"{_NUMBERED} photo fileas",
        keys={
            "organizationname": "company",
            "organization1name": "company",
            "organizationtitle": "job_title",
            "organization1title": "job_title",
            "organizationdepartment": "department",
            "phone1value": "phone",
            "address1city": "city",
            "address1country": "country",
            "address1postalcode": "zip",
        },
        targets=dict.fromkeys("labels groupmembership".split(), "tags"),
    ),
    _program(
        "Outlook",
        "emailaddress|电子邮件地址 emaildisplayname|电子邮件显示名称",
        left_out="""emailtype emaildisplayname email2type email2displayname email3type
            email3displayname directoryserver internetfreebusy priority private sensitivity initials
            电子邮件类型 电子邮件显示名称 电子邮件2类型 电子邮件2显示名称 电子邮件3类型
            电子邮件3显示名称 目录服务器 internet忙闲 优先级 私有 敏感度 缩写""",
        targets=dict.fromkeys("categories 类别".split(), "tags"),
        # A form of address, beside "Job Title".
        keys={"title": "salutation", "称谓": "salutation", "移动电话": "phone"},
    ),
    _program(
        "listmonk",
        "uuid email name attributes status",
        left_out="uuid createdat updatedat",
        # A disabled subscriber gets no mail there, and has not unsubscribed.
        words={("status", "blocklisted"): "suppressed", ("status", "disabled"): "skip"},
    ),
    _program(
        "Mautic",
        "firstname lastname email points preferredlocale|lastactive|attributiondate|dateidentified",
        left_out="""id points dateadded dateidentified datemodified createdby createdbyuser
            modifiedby modifiedbyuser owner ownerid ispublished lastactive attribution
            attributiondate timezone""",
        keys={"title": "salutation", "position": "job_title"},
    ),
    _program(
        "SendCloud",
        "apiuser email|邮箱|邮箱地址|邮件地址|收件人|收件人地址",
        left_out="apiuser requestid maillistid labelid gmtcreated gmtupdated 退订原因 投诉原因",
    ),
    _program(
        _("Alibaba Cloud Direct Mail"),
        "eaddr|收件人地址|收件人地址eaddr username|收件人姓名|收件人姓名username",
        targets={
            **dict.fromkeys("eaddr 收件人地址 收件人地址eaddr".split(), "email"),
            **dict.fromkeys("username 收件人姓名 收件人姓名username".split(), "full_name"),
        },
        keys={
            **dict.fromkeys("收件人昵称 收件人昵称nickname".split(), "nickname"),
            # The form of address is in a variable with this name.
            **dict.fromkeys("gender 收件人称谓 收件人称谓gender".split(), "salutation"),
            **dict.fromkeys("收件人生日 收件人生日birthday".split(), "birthday"),
            **dict.fromkeys("收件人手机 收件人手机mobile".split(), "phone"),
        },
    ),
)  # fmt: skip


def program_of(names: Iterable[str]) -> Program | None:
    """The program that probably wrote a file with these names of columns (folded)."""
    there = frozenset(names)
    return next((program for program in PROGRAMS if program.wrote(there)), None)
