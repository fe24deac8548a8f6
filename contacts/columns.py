"""The meaning of each column of a file: guessed from its name and samples, then chosen by a person.
Pure.

A column's target is one of
    ""                     ignored
    "email" "first_name" "last_name" "full_name"
    "status" "accepts" "unsubscribed" "suppressed" "bounced" "complained"
                           the person's status (contacts.statuswords.KINDS); of several such columns
                           the gravest counts
    "opens"                whether the person agreed that opens are counted: yes or no
    "tags"                 tags of the person (contacts.tagnames); of several columns all count
    "list"                 the status on the list that the column names, in an export of ours
                           (contacts.reimport); of several, the one of the target list counts
    "attribute:KEY"        an attribute of the workspace
    "new:KEY:TYPE"         an attribute that the import makes; its name is the column's header
A mapping is a list of targets, one for each column.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from contacts import addresses, mergenames, programs, reimport, statuswords, values
from contacts.programs import Program

FIELDS = ("email", "first_name", "last_name", "full_name")
STATUS_FIELDS = statuswords.KINDS
TAGS, OPENS = "tags", "opens"
# Types that a new attribute of an import may have. A choice needs its choices first.
NEW_TYPES = ("text", "number", "date", "day", "boolean")
LONGEST_KEY = 50

# Header names in people's own sheets, and in exports of other programs as far as they mean the same
# in every file, in the form of `fold`. What is true in one program's files: contacts.programs.
KNOWN: dict[str, str] = {
    "email": """email emailaddress emailaddresses emailid emailadresse mail mailaddress emails
        email1value emailaddress1 primaryemail workemail contactemail customeremail subscriberemail
        emailaddr correo correoelectronico courriel adresseemail adressemail
        电子邮件 电子邮件地址 电子邮箱 邮箱 邮箱地址 邮件 邮件地址 邮箱账号
        電子郵件 電子郵件地址 電子信箱 電郵 電郵地址 郵件 信箱
        メール メールアドレス 電子メール eメール 이메일 이메일주소""",
    "first_name": """firstname givenname forename fname vorname prenom nombre 名 名字 名字first""",
    "last_name": """lastname surname familyname lname nachname nomdefamille apellido apellidos
        姓 姓氏""",
    "full_name": """fullname name displayname contactname customername yourname nom
        姓名 名称 全名 联系人 联系人姓名 客户姓名 客户名称 显示名称 昵称
        名稱 聯絡人 客戶姓名 客戶名稱 氏名 名前 お名前 이름 성명 성함""",
    "status": """status subscriptionstatus subscriberstatus memberstatus emailstatus
        emailmarketingstatus emailmarketingconsent marketingstatus subscription mailingstatus
        contactstatus emailsubscriptionstatus statut statutabonnement статус 상태 구독상태 수신상태
        ステータス 配信ステータス
        订阅状态 状态 邮件状态 订阅情况 退订状态 訂閱狀態 狀態""",
    "accepts": """acceptsemailmarketing acceptsmarketing emailmarketing subscribed optin emailoptin
        emailconsent marketingconsent newsletter consent gdpr gdprconsent emailpermission optedin
        marketing marketingoptin newsletteroptin receivesemail receiveemails wantsmail
        marketingpermissions permissiontoemail emailok mailok emailable subscribedtonewsletter
        einwilligung werbeeinwilligung newsletterabo consentement abonne consentimiento suscrito
        接受邮件营销 是否订阅 订阅 同意接收邮件 是否接收邮件 是否同意 接收邮件 是否訂閱 訂閱
        订阅意愿 接收意愿 邮件许可 营销许可 是否接受邮件 購読 配信可否 수신동의""",
    "unsubscribed": """unsubscribed unsubtime unsubscribetime unsubscribedat unsubscribedate
        unsubscribedfromallemail optout optedout optedoutemail emailoptout hasoptedoutofemail
        abgemeldet desabonne desinscrit desuscrito
        退订 是否退订 已退订 退订时间 退订日期 取消订阅时间 退訂 是否退訂 退訂時間
        拒收 是否拒收 配信停止 수신거부""",
    "suppressed": """emailblacklisted emailblocklisted blacklisted blocklisted suppressed donotemail
        donotmail donotcontact dnc noemail nomail nomarketing
        黑名单 是否黑名单 禁发 免打扰 黑名單""",
    "bounced": """bounced hardbounced hardbounce isbounced bouncedat cleaned
        退信 是否退信 退信时间""",
    "tags": """tags tag labels label taglist tagnames contacttags customertags usertags
        mailchimptags
        schlagworte schlagworter etiquetas etiquettes
        标签 标签名 标签名称 标签列表 标签组 客户标签 用户标签 联系人标签
        標籤 客戶標籤 タグ 태그""",
    "opens": """openconsent opentracking opentrackingconsent consentopentracking trackopens
        consentforcountingopens consentforopens
        统计打开的同意 同意统计打开 打开跟踪同意 允许统计打开""",
    "complained": """complained complaint spamcomplaint markedasspam complainedat 投诉 是否投诉""",
    # Columns that only the other program needs.
    "": """memberrating optinip confirmip confirmtime optintime latitude longitude gmtoff dstoff
        timezone cc region lastchanged leid euid recordid contactid customerid unsubcampaigntitle
        unsubcampaignid unsubreason unsubreasonother cleancampaigntitle cleancampaignid
        email1label emailtype emaildisplayname photo 电子邮件类型 电子邮件显示名称 序号
        statusreason statusat statussource addedat liftedat subscribedat unsubscribereason
        lastsentat lastopenedat lastclickedat lastsent lastopened lastclicked lastopen lastclick
        退订原因""",
}
# Chinese and abbreviated headers whose merge field reads better in English.
KEYS = {
    **dict.fromkeys("company companyname organization 公司 公司名称 单位".split(), "company"),
    **dict.fromkeys("jobtitle title position 职位 职务 头衔".split(), "job_title"),
    **dict.fromkeys(
        "phone phonenumber phoneno phonenr mobile mobilephone mobilenumber mobileno cell cellphone"
        " cellnumber telephone telephonenumber tel telno telefon telefonnummer handy handynummer"
        " mobiltelefon telephoneportable telefono contactnumber contactphone sms smsnumber"
        " 电话 电话号码 手机 手机号 手机号码 移动电话 联系电话 联系方式 座机 電話 電話號碼 電話番号"
        " 手機 手機號碼 行動電話 携帯電話 전화번호 휴대폰".split(),
        "phone",
    ),
    **dict.fromkeys(
        "zip zipcode postcode postalcode postal plz postleitzahl codepostal cp cap"
        " 邮编 邮政编码 邮政编号 邮递区号 郵編 郵遞區號 郵便番号 우편번호".split(),
        "zip",
    ),
    **dict.fromkeys("country countryregion 国家 国家地区".split(), "country"),
    **dict.fromkeys("province state stateregion 省 省份".split(), "province"),
    **dict.fromkeys("city 城市 市 所在城市".split(), "city"),
    **dict.fromkeys("address 地址 住址 通讯地址".split(), "address"),
    **dict.fromkeys("birthday dateofbirth birthdate 生日 出生日期".split(), "birthday"),
    **dict.fromkeys("gender sex 性别".split(), "gender"),
    **dict.fromkeys("signupdate 注册日期 注册时间".split(), "signup_date"),
    **dict.fromkeys("tags 标签".split(), "tags"),
    **dict.fromkeys("note notes remark remarks 备注 附注".split(), "note"),
    **dict.fromkeys("industry 行业".split(), "industry"),
    **dict.fromkeys("department 部门".split(), "department"),
    **dict.fromkeys("website url 网站 网址".split(), "website"),
    **dict.fromkeys("age 年龄".split(), "age"),
    **dict.fromkeys(
        "language preferredlanguage locale preferredlocale mclanguage 语言 首选语言 语种".split(),
        "language",
    ),
    **dict.fromkeys("nickname".split(), "nickname"),
    **dict.fromkeys("salutation 称谓".split(), "salutation"),
}  # fmt: skip
# Headers of digits that are no amounts: by a part of the folded header, or by a whole word.
CODE_PART = re.compile(
    "zip$|zip(?:code|4)|post(?:al)?code|postleitzahl|^plz|codepostal|phone|telefo|telnr|telno"
    "|mobil(?:e|tel|nr|nummer)|handy|whatsapp|wechat|weixin|passport|nummer$"
    "|邮编|邮政|郵編|郵遞|郵便|우편|电话|電話|手机|手機|携帯|전화|휴대|微信|传真|傳真"
    "|编号|編號|番号|번호|号码|號碼|证号|證號|工号|学号|单号|單號|卡号|账号|帐号|帳號|身份证|会员号|客户号"
)
CODE_WORDS = frozenset(
    "id ids no nr num number code codes sku iban bic ssn vat tin ean upc isbn account acct fax tel"
    " cell serial ref reference qq cp plz zip".split()
)
# Headers of days without a year. 1/2 in another column may be a fraction.
YEARLESS = re.compile("birth|bday|geburt|anniv|jubil|day|date|datum|fecha|生日|纪念日|日期|誕生日")
# The place between "customer" and "Id" in customerId.
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Other headers, by a part of their name. Asking about one column too many is better than missing
# somebody's "no".
NOT_CONSENT = re.compile(
    "soft|double|count|number|campaign|title|source|ip$|url|link|rate|(?<!val)id$|次数|来源|链接"
)
# Consent for other channels than mail.
OTHER_CHANNEL = re.compile("sms|phone|whatsapp|push|短信|电话")
# A column with reasons has text, and can only be a mark column.
REASON = re.compile("reason|motivo|motif|grund|原因")


def keys_in(mapping: Iterable[str]) -> set[str]:
    """Keys of the attributes that a mapping names."""
    parts = (target.partition(":") for target in mapping)
    return {key for kind, _colon, key in parts if kind == "attribute"}


def fold(header: str) -> str:
    """A header for comparison: only letters and digits, in lower case, without accents."""
    text = unicodedata.normalize("NFKD", header).casefold()
    return "".join(character for character in text if character.isalnum())


def _part(pattern: str, words: str = "") -> re.Pattern[str]:
    """Matches folded headers by the pattern or by one of the words."""
    return re.compile("|".join([pattern, *map(fold, words.split())]))


BY_PART = (
    (_part("unsub|optout|optedout|abmeld|abgemeldet|desinscri|desabonn|desuscri|descadastr|disiscri"
           "|uitgeschreven|afgemeld|(?:fecha|data|date)(?:de)?baixa|(?:fecha|data|date)(?:de)?baja",
           "退订 退訂 取消订阅 取消訂閱 配信停止 配信解除 購読解除 退会 수신거부 구독취소 отписа"),
     "unsubscribed"),
    (_part("bl(?:ack|ock)list|listenoire|listanegra|sperrliste|suppress|quarantin|^dnc|dnc$"
           "|donot(?:e?mail|contact|disturb|send|allow.*mail)|^(?:no|nomore|stop)(?:e?mail|news|marketing)"
           "|(?:mail|newsletter)s?(?:disabled|blocked|stopped)$",
           "黑名单 黑名單 禁发 免打扰 不要发 勿发 屏蔽"),
     "suppressed"),
    (_part("bounce|undeliverable|unzustellbar|^(?:is)?invalid(?:e?mail|address)|(?:mail|address)invalid$"
           "|^clean(?:ed|time)",
           "退信 无效地址 无效邮箱 地址无效 邮箱无效 是否无效 無效地址"),
     "bounced"),
    (_part("complain|spamreport|markedspam|reportedspam|reportedasspam|isspam|^spam$|abusereport",
           "投诉 投訴 举报 舉報"),
     "complained"),
    (_part("(?:subscri|mail|marketing|newsletter|consent|optin|abonn|订阅|訂閱|邮件|郵件|配信|購読).*"
           "(?:status|statut|state|状态|狀態|状況|状態)"),
     "status"),
    (_part("^(?:accepts?|wants?|receives?|agrees?|allows?|can|may|is|send).*(?:mail|marketing|news|subscri)"
           "|^j?(?:accepte|acepta|aceita|accetta|autoris|autoriz|akzept).*(?:mail|news|offre|correo|publici)"
           "|optin$|consents?$|permission$|^subscribed(?:to|for)|同意.*(?:邮件|营销)"
           "|是否.*(?:订阅|訂閱|接收|同意)",
           "수신여부 수신동의 配信希望 メルマガ согласие подписка"),
     "accepts"),
)  # fmt: skip
# Headers that count only if every cell is a yes or a no. Less clear ones become "status", and their
# words are asked about.
YES_OR_NO = (
    (_part("removed|exclude|blocked|blockiert|left(?:list|on)|deactivated|^stop|gesperrt|^kein"
           "|nicht(?:kontakt|anschreib|mail)|nepas|^nocontact",
           "取消关注 取消關注 拉黑 拒收 拒绝 拒絕 不接收 不接受 勿扰 拒否"),
     "unsubscribed"),
    (_part("optin|consent|mailable|contactable|reachable|okto|mailinglist|newsletter|subscribe$|abonn"
           "|werb(?:ung)?e?(?:erlaub|einwill|zustimm)",
           "接受 接收 同意 愿意 願意 订阅 訂閱 电子报 電子報 メール配信"),
     "accepts"),
    (_part("^(?:is)?(?:active|enabled|confirmed)$|subscri", "是否有效 是否启用 是否正常"),
     "status"),
)  # fmt: skip
# "State" may be a province or a status: the words of the column decide.
EITHER = {
    *map(fold, "state estado etat stato situacao situation stan 情况 状况 状態 состояние".split())
}


@dataclass(frozen=True, slots=True)
class KnownAttribute:
    """An existing attribute of the workspace."""

    key: str
    label: str
    type: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column for the mapping page."""

    header: str
    samples: tuple[str, ...]
    guess: str
    # For a new attribute.
    key: str
    type: str
    # A cell about people who left, in a column that is not read as a status column.
    leaving: str = ""
    # The name of a new attribute.
    label: str = ""
    # Whether its cells are days without a year.
    yearless: bool = False


BY_NAME = {fold(name): target for target, names in KNOWN.items() for name in names.split()}


def key_of(header: str, taken: Iterable[str] = (), meanings: Mapping[str, str] = KEYS) -> str:
    """A merge field name for the header: an identifier, not reserved, not taken. `meanings`:
    {folded header: name}."""
    text = unicodedata.normalize("NFKC", header).strip().lower()
    key = meanings.get(fold(header)) or re.sub(r"\W+", "_", text).strip("_")[:40] or "field"
    if not key.isidentifier():
        key = f"field_{key}"
    if mergenames.is_reserved(key):
        key += "_"
    used, number, plain = set(taken), 2, key
    while key in used:
        key, number = f"{plain}_{number}", number + 1
    return key


def is_new(key: str, type_: str) -> bool:
    """Whether an import may make an attribute with this merge field and this type. The form of a
    page may be forged, and a saved mapping may be old."""
    known = type_ in NEW_TYPES and key.isidentifier()
    return known and len(key) <= LONGEST_KEY and not mergenames.is_reserved(key)


def describe(
    rows: Sequence[Sequence[str]], *, header: bool, known: Iterable[KnownAttribute] = ()
) -> list[Column]:
    """All columns of the first rows, with samples and a guess."""
    names = list(rows[0]) if header and rows else []
    body = rows[1:] if header else rows
    width = max((len(row) for row in (*body, names)), default=0)
    cells = [[values.clean(row[n]) if n < len(row) else "" for row in body] for n in range(width)]
    names += [""] * (width - len(names))
    attributes = {fold(a.key): a for a in known} | {fold(a.label): a for a in known}
    folded = list(map(fold, names))
    program = None if reimport.is_ours(names) else programs.program_of(folded)
    guesses = [
        _guess(name, word, column, attributes, program)
        for name, word, column in zip(names, folded, cells, strict=True)
    ]
    meanings = {**KEYS, **(program.keys if program else {})}
    _meant(names, cells, guesses, attributes.values(), meanings)
    guesses = _unique(folded, guesses, cells, attributes)
    for number in reimport.lists_in(names, {a.label for a in attributes.values()}):
        guesses[number] = statuswords.LIST
    if (joined := reimport.joined_in(names)) is not None:
        guesses[joined] = statuswords.LIST
    if (tagged := reimport.tags_in(names)) is not None:
        # Another column with this name is an attribute's.
        guesses = ["new" if guess == TAGS else guess for guess in guesses]
        guesses[tagged] = TAGS
    described: list[Column] = []
    by_key = {attribute.key: attribute for attribute in attributes.values()}
    taken, labels = set(by_key), {attribute.label for attribute in attributes.values()}
    for name, guess, samples in zip(names, guesses, cells, strict=True):
        key = key_of(name, taken, meanings)
        named = program.label_of(fold(name)) if program and fold(name) not in KEYS else ""
        label = named or name.strip()
        filled = [text for text in samples if text and not values.is_no_date(text)]
        yearless = bool(filled) and all(map(values.is_day_of_year, filled))
        kind = "text" if is_code(name) else values.guess_type(filled)
        if yearless and YEARLESS.search(fold(name)):
            kind = "day"
        if yearless and (date := by_key.get(guess.removeprefix("attribute:"))):
            beside = _beside(date, label, by_key)
            guess, key, label = beside or (guess, key, label)  # noqa: PLW2901
            kind = "day" if beside else kind
        if guess == "new" and not filled:
            guess = ""  # noqa: PLW2901 - nothing is in it
        if guess == "new":
            taken.add(key)
            guess = f"new:{key}:{kind}"  # noqa: PLW2901
        some = tuple(dict.fromkeys(text for text in samples if text))[:3]
        leaving = "" if guess in STATUS_FIELDS else _leaving(name, samples)
        label = name.strip() if label in labels else label
        labels.add(label)
        described.append(Column(name.strip(), some, guess, key, kind, leaving, label, yearless))
    return described


def _beside(
    date: KnownAttribute, label: str, known: Mapping[str, KnownAttribute]
) -> tuple[str, str, str] | None:
    """(guess, key, label) for days without a year in a column that is named like a date: a day of
    the year beside it. None: the attribute is no date."""
    if date.type != "date":
        return None
    key = f"{date.key}_day"[:LONGEST_KEY]
    fits = key in known and known[key].type in {"day", "text"}
    guess = "new" if key not in known else f"attribute:{key}" if fits else ""
    return guess, key, gettext("{name} (day and month)").format(name=label)


def program_of(names: Sequence[str]) -> Program | None:
    """The other program that probably wrote a file with this header."""
    return None if reimport.is_ours(names) else programs.program_of(map(fold, names))


def is_code(header: str) -> bool:
    """Whether the header names digits that are no amount: a postcode, a phone, an id. As a number
    it would lose leading zeros, a plus, and the last digits."""
    if CODE_PART.search(fold(header)):
        return True
    spaced = CAMEL.sub(" ", unicodedata.normalize("NFKC", header)).casefold()
    words = re.findall(r"[^\W_]+", spaced)
    return any(
        word in CODE_WORDS and words[at + 1 : at + 2] not in (["of"], ["de"], ["von"])
        for at, word in enumerate(words)
    )


def _meant(
    names: Sequence[str],
    cells: Sequence[Sequence[str]],
    guesses: list[str],
    known: Iterable[KnownAttribute],
    meanings: Mapping[str, str],
) -> None:
    """Maps headers that mean an attribute by another word, such as "Phone Number" for "Phone".
    `meanings`: of headers in this file. Of several the fullest column is chosen, unless one has the
    attribute's own name."""
    for attribute in known:
        target = f"attribute:{attribute.key}"
        meaning = KEYS.get(fold(attribute.label)) or KEYS.get(fold(attribute.key))
        if not meaning or target in guesses or attribute.type != "text":
            continue
        same = [
            n
            for n, guess in enumerate(guesses)
            if guess == "new" and meanings.get(fold(names[n])) == meaning
        ]
        if same:
            guesses[max(same, key=lambda n: sum(map(bool, cells[n])))] = target


def _leaving(name: str, cells: Sequence[str]) -> str:
    folded = fold(name)
    if _named(name, folded) not in {"new", TAGS} or OTHER_CHANNEL.search(folded):
        return ""
    return next((text for text in cells if statuswords.speaks_of_leaving(text)), "")


def _guess(
    name: str,
    folded: str,
    cells: Sequence[str],
    attributes: Mapping[str, KnownAttribute],
    program: Program | None,
) -> str:
    target = _named(name, folded)
    if program:
        target = "" if folded in program.left_out else program.targets.get(folded, target)
        if folded in program.targets and target in STATUS_FIELDS:
            return target
    says = [text for text in cells if statuswords.is_status_word(text)]
    if target in STATUS_FIELDS and (says or folded not in attributes):
        return target
    if target in {"new", TAGS} and _speaks_of_status(folded, cells, len(says)):
        return "status"
    if folded in attributes:
        return f"attribute:{attributes[folded].key}"
    if target == "new" and not OTHER_CHANNEL.search(folded):
        target = _answered(folded, [text for text in cells if text])
    return target if folded or target != "new" else ""


def _answered(folded: str, filled: Sequence[str]) -> str:
    """The target of a column with only yes and no, by its name; "new" for none."""
    if filled and all(map(statuswords.is_yes_or_no, filled)):
        return next((target for part, target in YES_OR_NO if part.search(folded)), "new")
    return "new"


def _speaks_of_status(folded: str, cells: Sequence[str], says: int) -> bool:
    """Whether the cells are statuses although the name doesn't say so: half of them are words that
    only status columns have, or all of them are known words."""
    filled = [text for text in cells if text]
    if OTHER_CHANNEL.search(folded) or not filled:
        return False
    if says * 2 >= len(filled):
        return True
    return (says > 0 or folded in EITHER) and all(map(statuswords.is_known, filled))


def _named(name: str, folded: str) -> str:
    """The target by the header's name alone; "new" for none."""
    if reimport.list_named(name) is not None:
        return ""
    if folded in BY_NAME:
        return BY_NAME[folded]
    if NOT_CONSENT.search(folded) or OTHER_CHANNEL.search(folded):
        return "new"
    reason = REASON.search(folded)
    for part, target in BY_PART:
        if part.search(folded) and not (reason and target not in statuswords.MARKS):
            return target
    return "new"


def _unique(
    folded: Sequence[str],
    guesses: list[str],
    cells: Sequence[Sequence[str]],
    attributes: Mapping[str, KnownAttribute],
) -> list[str]:
    """Keeps each target once (the fullest column gets it), except statuses and tags; finds the
    address by content if no name says it. If "Phone" stands beside "Phone Number", an attribute
    with the key `phone`, the attribute goes to the column of its label, and "Phone" is another
    column."""
    labels = {f"attribute:{known.key}": fold(known.label) for known in attributes.values()}
    own = {g for name, g in zip(folded, guesses, strict=True) if labels.get(g) == name}
    guesses = [
        "new" if guess in own and name != labels[guess] else guess
        for name, guess in zip(folded, guesses, strict=True)
    ]
    for target in {guess for guess in guesses if guess not in {"", "new", TAGS, *STATUS_FIELDS}}:
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
