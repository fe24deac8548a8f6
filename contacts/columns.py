"""What each column of a file is: guessed from its name and samples, then chosen by a person. Pure.

A column's target is one of
    ""                     ignored
    "email" "first_name" "last_name" "full_name"
    "status"               words such as subscribed, unsubscribed, cleaned (`meaning`)
    "accepts"              yes or no to getting mail; no means unsubscribed
    "unsubscribed"         anything but empty or no means unsubscribed
    "attribute:KEY"        an attribute of the workspace
    "new:KEY:TYPE"         an attribute that the import makes; its name is the column's header
A mapping is a list of targets, one a column.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contacts import addresses, mergenames, values

FIELDS = ("email", "first_name", "last_name", "full_name")
STATUS_FIELDS = ("status", "accepts", "unsubscribed")

# Header names as exports of Mailchimp, HubSpot, Brevo, Shopify, Google, Outlook (English and
# Chinese), and people's own sheets have them, folded by `fold`.
KNOWN: dict[str, str] = {
    "email": """email emailaddress emailaddresses emailid emailadresse mail mailaddress emails
        email1value emailaddress1 primaryemail workemail contactemail customeremail subscriberemail
        emailaddr correo correoelectronico courriel adresseemail adressemail
        电子邮件 电子邮件地址 电子邮箱 邮箱 邮箱地址 邮件 邮件地址 邮箱账号
        電子郵件 電子郵件地址""",
    "first_name": """firstname givenname forename fname vorname prenom nombre 名 名字 名字first""",
    "last_name": """lastname surname familyname lname nachname nomdefamille apellido apellidos
        姓 姓氏""",
    "full_name": """fullname name displayname contactname customername yourname nom
        姓名 名称 全名 联系人 联系人姓名 客户姓名 客户名称 显示名称 昵称""",
    "status": """status subscriptionstatus memberstatus emailstatus emailmarketingstatus
        订阅状态 状态""",
    "accepts": """acceptsemailmarketing acceptsmarketing emailmarketing subscribed optin emailoptin
        emailconsent marketingconsent newsletter 接受邮件营销 是否订阅 订阅 同意接收邮件""",
    "unsubscribed": """unsubscribed unsubtime unsubscribetime unsubscribedat unsubscribedate
        unsubscribedfromallemail optout optedout optedoutemail emailoptout emailblacklisted
        emailblocklisted blacklisted blocklisted donotemail hasoptedoutofemail
        退订 是否退订 已退订 退订时间""",
    # What the other program needs for itself.
    "": """memberrating optinip confirmip confirmtime optintime latitude longitude gmtoff dstoff
        timezone cc region lastchanged leid euid recordid contactid customerid unsubcampaigntitle
        unsubcampaignid unsubreason unsubreasonother cleantime cleancampaigntitle cleancampaignid
        email1label emailtype emaildisplayname photo 电子邮件类型 电子邮件显示名称 序号""",
}
# Chinese and abbreviated headers whose merge field reads better in English.
KEYS = {
    **dict.fromkeys("company companyname organization 公司 公司名称 单位".split(), "company"),
    **dict.fromkeys("jobtitle title position 职位 职务 头衔".split(), "job_title"),
    **dict.fromkeys(
        "phone phonenumber mobile mobilephone telephone tel sms 电话 手机 手机号 手机号码 移动电话"
        " 联系电话".split(),
        "phone",
    ),
    **dict.fromkeys("country 国家 国家地区".split(), "country"),
    **dict.fromkeys("province state 省 省份".split(), "province"),
    **dict.fromkeys("city 城市 市 所在城市".split(), "city"),
    **dict.fromkeys("address 地址 住址 通讯地址".split(), "address"),
    **dict.fromkeys("birthday dateofbirth birthdate 生日 出生日期".split(), "birthday"),
    **dict.fromkeys("gender sex 性别".split(), "gender"),
    **dict.fromkeys("signupdate 注册日期 注册时间".split(), "signup_date"),
    **dict.fromkeys("tags 标签".split(), "tags"),
    **dict.fromkeys("note notes remark remarks 备注".split(), "note"),
    **dict.fromkeys("industry 行业".split(), "industry"),
    **dict.fromkeys("department 部门".split(), "department"),
    **dict.fromkeys("website url 网站 网址".split(), "website"),
    **dict.fromkeys("age 年龄".split(), "age"),
    **dict.fromkeys("language 语言".split(), "language"),
}  # fmt: skip
BY_NAME = {name: target for target, names in KNOWN.items() for name in names.split()}

SUBSCRIBED, UNSUBSCRIBED, BOUNCED, COMPLAINED = "", "u", "b", "c"
MEANINGS = {
    **dict.fromkeys("unsubscribed unsubscribe optout optedout 退订 已退订 取消订阅".split(), "u"),
    **dict.fromkeys(
        "cleaned bounced bounce hardbounce hardbounced invalid undeliverable 退信 无效".split(), "b"
    ),
    **dict.fromkeys("complained complaint spam spamcomplaint abuse 投诉".split(), "c"),
    # Never agreed to newsletters: on no account subscribed.
    **dict.fromkeys("nonsubscribed transactional notsubscribed 未订阅".split(), "u"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """An attribute that the workspace has."""

    key: str
    label: str
    type: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the mapping page shows it."""

    header: str
    samples: tuple[str, ...]
    guess: str
    # For a new attribute.
    key: str
    type: str


def fold(header: str) -> str:
    """A header as it is compared: letters and digits only, lower case, without accents."""
    text = unicodedata.normalize("NFKD", header).casefold()
    return "".join(character for character in text if character.isalnum())


def key_of(header: str, taken: Iterable[str] = ()) -> str:
    """A merge field name for the header: an identifier, not reserved, not taken."""
    text = unicodedata.normalize("NFKC", header).strip().lower()
    key = KEYS.get(fold(header)) or re.sub(r"\W+", "_", text).strip("_")[:40] or "field"
    if not key.isidentifier():
        key = f"field_{key}"
    if mergenames.is_reserved(key):
        key += "_"
    used, number, plain = set(taken), 2, key
    while key in used:
        key, number = f"{plain}_{number}", number + 1
    return key


def describe(
    rows: Sequence[Sequence[str]], *, header: bool, known: Iterable[Known] = ()
) -> list[Column]:
    """Every column of the first rows with its samples and our guess."""
    names = list(rows[0]) if header and rows else []
    body = rows[1:] if header else rows
    width = max((len(row) for row in (*body, names)), default=0)
    cells = [[values.clean(row[n]) if n < len(row) else "" for row in body] for n in range(width)]
    names += [""] * (width - len(names))
    attributes = {fold(a.key): a for a in known} | {fold(a.label): a for a in known}
    guesses = _unique([_guess(name, attributes) for name in names], cells)
    described: list[Column] = []
    taken = {attribute.key for attribute in attributes.values()}
    for name, guess, samples in zip(names, guesses, cells, strict=True):
        key = key_of(name, taken)
        kind = values.guess_type(samples)
        if guess == "new":
            taken.add(key)
            guess = f"new:{key}:{kind}"  # noqa: PLW2901
        some = tuple(dict.fromkeys(text for text in samples if text))[:3]
        described.append(Column(name.strip(), some, guess, key, kind))
    return described


def _guess(name: str, attributes: Mapping[str, Known]) -> str:
    folded = fold(name)
    if folded in attributes:
        return f"attribute:{attributes[folded].key}"
    if folded in BY_NAME:
        return BY_NAME[folded]
    return "new" if folded else ""


def _unique(guesses: list[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """Each target once (the fullest column keeps it); the address by content if by no name."""
    for target in {guess for guess in guesses if guess not in {"", "new"}}:
        same = [n for n, guess in enumerate(guesses) if guess == target]
        best = max(same, key=lambda n: sum(map(bool, cells[n])))
        for n in same:
            guesses[n] = target if n == best else ""
    if "email" not in guesses:
        counts = [sum(1 for text in column if _is_address(text)) for column in cells]
        if any(counts):
            guesses[counts.index(max(counts))] = "email"
    return guesses


def _is_address(text: str) -> bool:
    try:
        addresses.normalise(text)
    except addresses.AddressError:
        return False
    return True


def meaning(target: str, text: str) -> str:
    """What a cell of a status column says about the person: SUBSCRIBED (or nothing known),
    UNSUBSCRIBED, BOUNCED or COMPLAINED."""
    if not text:
        return SUBSCRIBED
    if target == "status":
        return MEANINGS.get(fold(text), SUBSCRIBED)
    no = text.lower() in values.FALSE
    if target == "accepts":
        return UNSUBSCRIBED if no or MEANINGS.get(fold(text)) else SUBSCRIBED
    return SUBSCRIBED if no else UNSUBSCRIBED
