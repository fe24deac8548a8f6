"""`manage.py explain_reply`: what a server's reply means, by the rules that the engine uses."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from pages import reasons
from relays.providers.reading import ProviderError
from smtp.replies import Stage, Verdict, classify, read


class Command(BaseCommand):
    help = (
        "Explain a reply of a mail server: its class, the rule that decided, and whether the "
        "address would be suppressed. Needs no database."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("reply", help='such as "550 5.1.1 No such user", or a line of a log')
        parser.add_argument(
            "--stage",
            choices=[stage.value for stage in Stage if stage],
            help="what the server answered to; without it, what the reply itself says",
        )
        parser.add_argument("--json", action="store_true", help="one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        # Bytes that are no text come as halves of surrogate pairs, which can't be printed.
        given = options["reply"].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        reply = read(given)
        if reply.code // 100 not in {2, 4, 5}:
            raise CommandError("No reply code is in it. Put it first, such as 550 or 451.")
        stage = Stage(options["stage"] or reply.stage)
        try:
            verdict = classify(reply.code, reply.words, stage)
        except ProviderError as error:  # somebody is writing a file of relays/providers
            raise CommandError(str(error)) from error
        facts = _facts(given, stage, verdict)
        if options["json"]:
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
        else:
            self.stdout.write(_sentences(facts))


def _facts(reply: str, stage: Stage, verdict: Verdict) -> dict[str, Any]:
    meaning, rule = verdict.meaning, verdict.rule
    with translation.override("en"):
        sentence = reasons.text(meaning.value)
    decided = verdict.words or (f"status {verdict.enhanced}" if verdict.enhanced else "the code")
    return {
        "reply": reply,
        "stage": stage.value,
        "meaning": meaning.value,
        "fails": meaning.fails,
        "suppresses": meaning.suppresses,
        "status": verdict.enhanced,
        "rule": rule.name if rule else "",
        "why": f"{sentence} ({decided})",
    }


def _sentences(facts: dict[str, Any]) -> str:
    done = "fails" if facts["fails"] else "does not fail"
    address = "is suppressed" if facts["suppresses"] else "is not suppressed"
    lines = (
        f"{facts['meaning']}: {facts['why']}",
        f"The message {done}; the address {address}.",
        "   ".join(
            (
                f"Rule: {facts['rule'] or '-'}",
                f"Stage: {facts['stage'] or 'not known'}",
                f"Status: {facts['status'] or '-'}",
            )
        ),
    )
    return "\n".join(lines)
