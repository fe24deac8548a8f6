"""Invented people, the same in every call: half with English, half with Chinese names.

Pure. Addresses end in `.example` (RFC 2606), so they belong to nobody.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

ENGLISH_FIRST = (
    "Ada Amelia Arthur Beatrice Callum Clara Daniel Edith Eleanor Felix Freya George Grace Hannah "
    "Harriet Hugo Imogen Isaac Jasper Julia Leo Lydia Mabel Martha Miles Nora Oscar Phoebe Rosa "
    "Rufus Silas Stella Theo Violet Walter Winifred"
).split()
ENGLISH_LAST = (
    "Ashworth Bennett Blackwood Carver Dalton Ellery Fairfax Godfrey Hargreaves Holloway Ibbotson "
    "Jessop Kingsley Lockwood Marlowe Nightingale Ormond Pemberton Quill Radcliffe Sinclair "
    "Thornton Underhill Vaughan Whitaker Yardley"
).split()
# Family and given names with their pinyin.
CHINESE_LAST = {
    "陈": "chen",
    "林": "lin",
    "周": "zhou",
    "沈": "shen",
    "许": "xu",
    "顾": "gu",
    "陆": "lu",
    "苏": "su",
    "叶": "ye",
    "程": "cheng",
    "方": "fang",
    "欧阳": "ouyang",
}
CHINESE_FIRST = {
    "清和": "qinghe",
    "书瑶": "shuyao",
    "景行": "jingxing",
    "知微": "zhiwei",
    "若兰": "ruolan",
    "远山": "yuanshan",
    "思齐": "siqi",
    "明哲": "mingzhe",
    "雨桐": "yutong",
    "安然": "anran",
    "嘉树": "jiashu",
    "望舒": "wangshu",
    "子衿": "zijin",
    "云帆": "yunfan",
}
ENGLISH_CITIES = ("London", "Bristol", "Leeds", "Dublin", "Toronto", "Melbourne", "Boston")
CHINESE_CITIES = ("北京", "上海", "广州", "深圳", "杭州", "成都", "南京", "西安")
PROVIDERS = ("inbox.example", "letters.example", "mailhaus.example", "xinxiang.example")
PLANS = ("free", "reader", "collector")


@dataclass(frozen=True, slots=True)
class SamplePerson:
    email: str
    first_name: str
    last_name: str
    full_name: str
    language: str
    city: str
    plan: str
    books: int
    birthday: date
    # Days before today on which the person joined.
    joined: int


def people(count: int, *, seed: int = 1) -> Iterator[SamplePerson]:
    """Yields `count` people; addresses are distinct."""
    random_ = random.Random(seed)  # noqa: S311 - invented people, not secrets
    for number in range(count):
        yield _person(number, random_)


def _person(number: int, random_: random.Random) -> SamplePerson:
    chinese = random_.random() < 0.5
    if chinese:
        last, first = random_.choice(list(CHINESE_LAST)), random_.choice(list(CHINESE_FIRST))
        full, local = last + first, CHINESE_LAST[last] + "." + CHINESE_FIRST[first]
        city = random_.choice(CHINESE_CITIES)
    else:
        last, first = random_.choice(ENGLISH_LAST), random_.choice(ENGLISH_FIRST)
        full, local = f"{first} {last}", f"{first}.{last}".lower()
        city = random_.choice(ENGLISH_CITIES)
    return SamplePerson(
        email=f"{local}{number}@{random_.choice(PROVIDERS)}",
        # Some people have no first name, so that defaults of merge fields are used.
        first_name="" if random_.random() < 0.04 else first,
        last_name=last,
        full_name=full,
        language="zh" if chinese else "en",
        city=city,
        plan=random_.choices(PLANS, (6, 3, 1))[0],
        books=int(random_.expovariate(0.25)),
        birthday=date(1950, 1, 1) + timedelta(days=random_.randrange(20_000)),
        # More people joined lately than long ago: the list grows.
        joined=int(180 * random_.random() ** 1.6),
    )
