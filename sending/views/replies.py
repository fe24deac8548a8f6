"""Explains a pasted reply: its class, its consequences, and the rule that decided."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.access import WorkspaceRequest
from pages import locales, reasons
from relays.providers.texts import in_language
from sending import guards
from sending.forms import STAGES, ReplyForm
from sending.retries import SOON, STEPS
from smtp.replies import Meaning, Rule, Stage, classify, matching

# What happens to such a message. {waits}: the times between tries.
DONE: dict[Meaning, str | Promise] = {
    Meaning.ACCEPTED: gettext_lazy("The mail counts as accepted."),
    Meaning.ADDRESS: gettext_lazy(
        "The message fails, the contact has a hard bounce, and the address is suppressed: nothing "
        "is sent to it any more. This happens only after the refused and accepted mails around it "
        "have shown that the relay was working."
    ),
    Meaning.DOMAIN: gettext_lazy(
        "The message fails and is not tried again. The address is not suppressed: the domain may "
        "be misspelt, but the relay's DNS may also be failing."
    ),
    Meaning.POLICY: gettext_lazy(
        "The message fails and is not tried again. The address is not suppressed. When more than "
        "{run} of the latest mails and more than {share} of them are refused so, the mailing is "
        "paused and you are told."
    ),
    Meaning.UNCLEAR: gettext_lazy(
        "The message fails and is not tried again: the words are not known, so the address is not "
        "suppressed. When more than {run} of the latest mails and more than {share} of them are "
        "refused so, the mailing is paused and you are told."
    ),
    Meaning.TOO_LARGE: gettext_lazy(
        "If it is the relay's limit, nobody fails: another relay of the pool takes the mail, or "
        "the mailing is paused. If it is the mailbox's, the message fails. The address is not "
        "suppressed."
    ),
    Meaning.TRANSIENT: gettext_lazy(
        "The message is tried again after {waits}, over another relay of the pool where there is "
        "one, until the mailing's time is over (two days)."
    ),
    Meaning.FULL: gettext_lazy(
        "The message is tried again after {waits}, until the mailing's time is over (two days). "
        "The address is not suppressed."
    ),
    Meaning.GREYLISTED: gettext_lazy(
        "The message is tried again after {waits}: servers that do this take it then."
    ),
    Meaning.RATE: gettext_lazy(
        "The message loses nothing and comes again after about {waits}. The relay slows down for "
        "this mail provider until it is welcome again."
    ),
    Meaning.CONNECTION: gettext_lazy(
        "The message loses nothing and goes out over a new connection after about {waits}."
    ),
    Meaning.LOGIN: gettext_lazy(
        "The relay is stopped until somebody starts it again. Messages wait, or go over the other "
        "relays of the pool. If the relay took other mails of the mailing, only this message is "
        "tried again later."
    ),
    Meaning.SENDER: gettext_lazy(
        "The relay is stopped, unless other mailings use it with another sender. Messages go over "
        "the other relays of the pool; without one the mailing is paused and you are told. If the "
        "relay took other mails of the mailing, only this message is tried again later."
    ),
    Meaning.EHLO: gettext_lazy(
        "The relay waits and is tried again with one message after at most five minutes. Messages "
        "wait, or go over the other relays of the pool. The operator sets the name "
        "(YANSHU_EHLO_NAME). If the relay took other mails of the mailing, only this message is "
        "tried again later."
    ),
}
# Colours on pages, by whether the message is lost or the relay stops.
TONES = {True: "danger", False: "warning"}


def replies(request: WorkspaceRequest) -> HttpResponse:
    """POST: a pasted reply; GET: a link from a page that shows a reply. Changes nothing."""
    given = request.POST if request.method == "POST" else request.GET
    form = ReplyForm(given if "reply" in given else None)
    context: dict[str, object] = {"form": form}
    if form.is_bound and form.is_valid():
        context |= _explained(form.code, form.words, form.cleaned_data["stage"])
    return render(request, "sending/replies.html", context)


def _explained(code: int, words: str, stage: Stage) -> dict[str, object]:
    verdict = classify(code, words, stage)
    others = [one for one in matching(code, words, stage) if one is not verdict.rule]
    why = verdict.meaning
    return {
        "verdict": verdict,
        "speaker": in_language(verdict.sign.names) if verdict.sign else "",
        "sentence": _("The mail is accepted")
        if why is Meaning.ACCEPTED
        else reasons.text(why.value),
        "tone": "success" if why is Meaning.ACCEPTED else TONES[why.fails or why.stops_relay],
        "done": _done(why),
        "asked": _span(verdict.wait) if verdict.wait else "",
        "code": code,
        "stage_name": dict(STAGES).get(stage, ""),
        "rule": verdict.rule,
        "condition": _conditions(verdict.rule) if verdict.rule else [],
        "others": others,
    }


def _done(why: Meaning) -> str:
    run, share = locales.number(guards.MAILING_RUN), f"{guards.BLAMED_SHARE:.0%}"
    return str(DONE[why]).format(waits=_waits(why), run=run, share=share)


def _waits(why: Meaning) -> str:
    """ "5 minutes, 15 minutes, then every hour" """
    if why in SOON:
        return _span(SOON[why])
    if why not in STEPS:
        return ""
    *first, last = STEPS[why]
    return _("{waits}, then every {last}").format(
        waits=_(", ").join(_span(one) for one in first), last=_span(last)
    )


def _span(seconds: int) -> str:
    if seconds % 3600 == 0:
        hours = seconds // 3600
        return ngettext("{count} hour", "{count} hours", hours).format(count=hours)
    if seconds % 60 == 0:
        minutes = seconds // 60
        return ngettext("{count} minute", "{count} minutes", minutes).format(count=minutes)
    return ngettext("{count} second", "{count} seconds", seconds).format(count=seconds)


def _conditions(rule: Rule) -> list[tuple[str, str]]:
    """(what, value) for each condition of the rule."""
    enhanced = [one.removesuffix(".") for one in rule.enhanced]
    stages = [str(name) for stage, name in STAGES if stage in rule.stages]
    given = (
        (_("Code begins with"), ", ".join(rule.code)),
        (_("Enhanced code begins with"), ", ".join(enhanced)),
        (_("Words match"), rule.text),
        (_("Answer to"), ", ".join(stages)),
    )
    return [(what, value) for what, value in given if value]
