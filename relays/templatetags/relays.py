"""`{% load relays %}`: limits, rates and lanes of relays in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pages import locales, reasons
from relays import warmups
from relays.models import Lane, Relay
from relays.providers.presets import Preset
from relays.services import health, overview
from relays.services.overview import RelayOverview

register = template.Library()
register.filter("said", reasons.said)


@register.simple_tag
def limits(relay: Relay | Preset) -> str:
    """ "14 a second, 50,000 a day", or that no limit is set."""
    known = (
        (relay.per_second, _("{limit} a second")),
        (relay.per_minute, _("{limit} a minute")),
        (relay.per_hour, _("{limit} an hour")),
        (relay.per_day, _("{limit} a day")),
    )
    said = [words.format(limit=locales.number(float(limit))) for limit, words in known if limit]
    return _(", ").join(said) or _("No limits")


@register.simple_tag
def connections(relay: Relay) -> str:
    """The number of connections that it may open: "of 4", "of 12 open, found automatically"."""
    if relay.connections is not None:
        return _("of {count} open").format(count=locales.number(relay.connections))
    if relay.connections_found is None:
        return _("open; the best number is found automatically")
    return _("of {count} open, found automatically").format(
        count=locales.number(relay.connections_found)
    )


@register.simple_tag
def lines(relay: Relay) -> str:
    """ "4 connections, 100 messages on each"."""
    if relay.connections is None:
        text = _("as many as work well, found automatically")
    else:
        text = ngettext("{count} connection", "{count} connections", relay.connections)
        text = text.format(count=locales.number(relay.connections))
    most = health.messages_each(relay)
    if not most:
        return text
    if relay.messages_per_connection is None:
        each = ngettext(
            "{count} message on each, found automatically",
            "{count} messages on each, found automatically",
            most,
        )
    else:
        each = ngettext("{count} message on each", "{count} messages on each", most)
    return _(", ").join([text, each.format(count=locales.number(most))])


@register.simple_tag
def rate(per_second: float) -> str:
    """A rate; small ones with one decimal."""
    return locales.number(round(per_second, 1 if per_second < 100 else 0))


@register.simple_tag
def milliseconds(seconds: float) -> str:
    """ "0.4 ms", "85 ms", "2.4 s"."""
    if seconds < 1:
        digits = 1 if seconds < 0.01 else None
        return _("{number} ms").format(number=locales.number(round(seconds * 1000, digits)))
    return _("{number} s").format(number=locales.number(round(seconds, 1)))


@register.simple_tag
def warmup_words(plan: Mapping[str, Any]) -> str:
    """ "Usual: from 50 a day to 50,000 in 30 days"."""
    days = warmups.days_of(plan)
    if not days:
        return _("none")
    named = warmups.plans().get(str(plan.get("plan", "")))
    text = ngettext(
        "{name}: {first} mails on one day",
        "{name}: from {first} mails on the first day to {last} on day {days}",
        len(days),
    )
    return text.format(
        name=named.name if named else _("Own numbers"),
        first=locales.number(days[0]),
        last=locales.number(days[-1]),
        days=locales.number(len(days)),
    )


# Pixels of the curve's box: the width of a bar with its gap, and the height.
BAR, HEIGHT = 6, 48


@register.simple_tag
def warmup_curve(days: Sequence[int], today: int = 0) -> SafeString:
    """A chart with a bar for each day; `today` (1 is the first day) and the days before it are
    marked. Heights are square roots: a plan grows a thousandfold, and its first days would be
    invisible. The page also describes the plan in words."""
    most = max(days, default=1)
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"{}/>',
        (
            (
                at * BAR,
                HEIGHT - height,
                BAR - 2,
                height,
                _bar_class(at + 1, today),
            )
            for at, height in enumerate(max(2, round(HEIGHT * (n / most) ** 0.4)) for n in days)
        ),
    )
    return format_html(
        '<svg class="warmup-curve" viewBox="0 0 {} {}" width="{}" height="{}" '
        'preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        *(len(days) * BAR, HEIGHT) * 2,
        bars,
    )


def _bar_class(day: int, today: int) -> SafeString:
    if day > today:
        return SafeString("")
    return SafeString(' class="today"' if day == today else ' class="gone"')


@register.filter
def plan_days(warmup: Mapping[str, Any]) -> tuple[int, ...]:
    return warmups.days_of(warmup)


@register.filter
def lane_label(lane: Lane) -> str:
    return overview.lane_label(lane.name)


@register.filter
def lane_reason(lane: Lane) -> str:
    if lane.reason == "slow":
        return _("Its answers come later than they used to")
    return reasons.text(lane.reason)


@register.simple_tag
def lane_pace(lane: Lane) -> SafeString:
    """The lane's rate, or until when it is closed."""
    if lane.half_open:
        return conditional_escape(_("One mail tries whether it is open again"))
    if lane.closed_until and lane.closed_until > timezone.now():
        return format_html(
            '<time datetime="{}" title="{}">{}</time>',
            lane.closed_until.isoformat(),
            locales.absolute(lane.closed_until),
            _("Nothing; one mail tries {moment}").format(
                moment=locales.relative(lane.closed_until)
            ),
        )
    if lane.rate is None:
        return conditional_escape(_("As fast as it goes"))
    if lane.rate < 0.5:
        return conditional_escape(
            _("At most {number} a minute").format(number=rate(lane.rate * 60))
        )
    return conditional_escape(_("At most {number} a second").format(number=rate(lane.rate)))


@register.simple_tag
def learned(now: RelayOverview) -> str:
    """Sentences about everything that a reset forgets."""
    relay = now.relay
    known = []
    if count := now.figures.slowed:
        text = ngettext(
            "It goes slower for {count} provider.", "It goes slower for {count} providers.", count
        )
        known.append(text.format(count=locales.number(count)))
    if now.stepped_down:
        text = _("It speaks to its server in a slower way: {way}.")
        known.append(text.format(way=now.exchange[0]))
    if relay.connections is None and relay.connections_found:
        text = _("It found that {count} connections are good.")
        known.append(text.format(count=locales.number(relay.connections_found)))
    if relay.messages_per_connection is None and (most := health.messages_each(relay)):
        text = ngettext(
            "It found that its server takes {count} message on a connection.",
            "It found that its server takes {count} messages on a connection.",
            most,
        )
        known.append(text.format(count=locales.number(most)))
    if now.by_answers:
        known.append(_("It waits, because of what its server said."))
    if not known:
        known.append(_("It has learned nothing that would slow it down."))
    known.append(
        _(
            "All of that is forgotten, and the pace is found anew. Limits, warm-up and what is "
            "used of them stay."
        )
    )
    return locales.sentences(*known)
