"""Our own mails to people who sign up, in the languages of pages.publicwords, as source of a design
(Jinja2). Pure.

They show nothing that was typed into the form: otherwise a stranger could have us deliver any words
to any address.
"""

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from pages import publicwords

# Merge fields of these mails, besides those of every mail.
CONFIRM_URL, LISTS, LIST = "confirm_url", "list_names", "list_name"
# Both names as fields of a design.
BRAND = "{{ workspace.name }}"


@dataclass(frozen=True, slots=True)
class MailText:
    subject: str
    preheader: str
    html: str
    text: str


def confirmation(language: str) -> MailText:
    text = _Texts(language)
    link = f"{{{{ {CONFIRM_URL} }}}}"
    named = f"{{{{ {LISTS} }}}}"
    return MailText(
        text.plain("mail_subject", brand=BRAND),
        text.plain("mail_preheader"),
        text.page(
            text.paragraph("mail_intro", brand=BRAND),
            format_html("<p><strong>{}</strong></p>", named),
            text.button("mail_button", link),
            text.paragraph("mail_link"),
            format_html('<p dir="ltr"><a href="{}">{}</a></p>', link, link),
            text.paragraph("mail_ignore"),
        ),
        "\n\n".join(
            (
                text.plain("mail_intro", brand=BRAND),
                named,
                f"{text.plain('mail_button')}:\n{link}",
                text.plain("mail_ignore"),
                _foot(),
            )
        ),
    )


def welcome(language: str) -> MailText:
    text = _Texts(language)
    named = f"{{{{ {LIST} }}}}"
    leave = "{{ unsubscribe_url }}"
    return MailText(
        text.plain("welcome_subject", list=named),
        "",
        text.page(
            text.paragraph("welcome_text", list=named),
            format_html(
                '<p>{} <a href="{}">{}</a></p>',
                text.html("welcome_leave"),
                leave,
                text.html("welcome_unsubscribe"),
            ),
        ),
        "\n\n".join(
            (
                text.plain("welcome_text", list=named),
                f"{text.plain('welcome_leave')}\n{leave}",
                _foot(),
            )
        ),
    )


def _foot() -> str:
    return f"{BRAND}\n{{{{ workspace.address }}}}"


@dataclass(frozen=True, slots=True)
class _Texts:
    language: str

    def plain(self, key: str, **values: str) -> str:
        return publicwords.texts(self.language)[f"signup.{key}"].format(**values)

    def html(self, key: str, **values: str) -> SafeString:
        return publicwords.say(self.language, f"signup.{key}", **values)

    def paragraph(self, key: str, **values: str) -> SafeString:
        return format_html("<p>{}</p>", self.html(key, **values))

    def button(self, key: str, link: str) -> SafeString:
        return format_html(
            '<p><a href="{}" style="display:inline-block;padding:12px 24px;border-radius:8px;'
            'background:#1f6f78;color:#ffffff;font-weight:600;text-decoration:none">{}</a></p>',
            link,
            self.html(key),
        )

    def page(self, *parts: SafeString) -> str:
        return format_html(
            '<!doctype html><html lang="{}" dir="{}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
            '<body style="margin:0;padding:24px;font:16px/1.6 sans-serif;color:#1b232c;'
            'background:#ffffff"><div style="max-width:560px;margin:0 auto">{}'
            '<p style="color:#566170;font-size:14px">{}<br>{}</p></div></body></html>',
            self.language,
            publicwords.direction(self.language),
            SafeString("".join(parts)),
            BRAND,
            "{{ workspace.address }}",
        )
