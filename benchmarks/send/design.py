"""A realistic newsletter: a mail of about 10 KB with 15 counted links, and with values, filters and
conditions for each reader."""

SUBJECT = "{{ first_name|default('Hello') }}, the spring catalogue is here · 春季新品"
PREHEADER = "Ten things for {{ city|default('your town') }}, picked for you."
FROM = "news@brand.example"

_CELL = "padding:12px 24px;font-family:Helvetica,Arial,sans-serif;font-size:15px;color:#333333"
_ITEMS = (
    ("Linen shirt", "Soft, light and dyed with indigo; it gets better with every wash."),
    ("Rain jacket", "Three layers that keep the water out and let you breathe on the way up."),
    ("Tea set", "Four cups and a pot from a small kiln near Jingdezhen, each a little different."),
    ("Desk lamp", "A warm light that follows your hand, and a switch that you find in the dark."),
    ("Notebook", "Paper that takes ink without bleeding, bound so that it lies flat on the table."),
    ("Travel bag", "Room for three days, straps for a bicycle, and a pocket for wet shoes."),
    ("Wool blanket", "Woven in one piece, heavy enough for winter, fine enough for the sofa."),
    ("Coffee mill", "Steel burrs, forty steps, and no noise before seven in the morning."),
    ("Garden shears", "Forged blades that can be sharpened at home, with handles of ash."),
    ("Alarm clock", "No screen and no radio; two hands, one bell, and a battery for a year."),
)


def html() -> str:
    """Fifteen links: the logo, ten things, the shop, the club, the journal and help."""
    items = "\n".join(_item(number, *item) for number, item in enumerate(_ITEMS))
    return f"""<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Spring</title></head>
<body style="margin:0;padding:0;background-color:#f4f1ea">
<table role="presentation" width="600" align="center" cellpadding="0" cellspacing="0">
<tr><td style="{_CELL}"><a href="https://brand.example/">Brand</a></td></tr>
<tr><td style="{_CELL}"><h1>Dear {{{{ first_name|default('reader') }}}},</h1>
{{% if company %}}<p>This is for you and the people at {{{{ company }}}}.</p>
{{% elif city %}}<p>This is for you in {{{{ city }}}}.</p>
{{% else %}}<p>This is for you.</p>{{% endif %}}
<p>Your number is {{{{ customer|upper }}}}; keep it at hand when you write to us.</p></td></tr>
{items}
<tr><td style="{_CELL}">
<a href="https://brand.example/shops?city={{{{ city|urlencode }}}}">Our shop in
{{{{ city|default('your town') }}}}</a>, <a href="https://brand.example/club">the club</a>,
<a href="https://brand.example/journal">the journal</a>,
<a href="https://brand.example/help">help</a></td></tr>
<tr><td style="{_CELL};font-size:12px;color:#777777">{{{{ workspace.name }}}},
{{{{ workspace.address }}}}. Sent to {{{{ email }}}}.
<a href="{{{{ view_url }}}}">In the browser</a>,
<a href="{{{{ unsubscribe_url }}}}">unsubscribe</a></td></tr>
</table></body></html>
"""


def _item(number: int, name: str, words: str) -> str:
    return (
        f'<tr><td style="{_CELL}"><h2 style="margin:0;font-size:18px">{name}</h2>\n'
        f'<p style="margin:4px 0">{words}</p>\n'
        f'<a href="https://brand.example/things/{number}?from=spring" '
        f'style="color:#0b6e4f;font-weight:bold">See it, {{{{ first_name|default("reader") }}}}'
        "</a></td></tr>"
    )
