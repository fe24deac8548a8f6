"""`manage.py doctor`: reports problems of the installation, and what to do."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from operations.doctor import examine
from operations.findings import Level

MARKS = {Level.OK: "ok", Level.SKIPPED: "skipped", Level.WARNING: "warning", Level.ERROR: "ERROR"}


class Command(BaseCommand):
    help = (
        "Check settings, database, broker, workers, relays and mailboxes, and say what to do. "
        "Exit code 0 if there is no error, else 1."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(f"{MARKS[finding.level]:<8} {finding.what}: {finding.text}")
                if finding.advice:
                    self.stdout.write(f"{'':<8} -> {finding.advice}")
        wrong = any(finding.level == Level.ERROR for finding in findings)
        if options["json"]:
            shown = [asdict(finding) for finding in findings]
            self.stdout.write(json.dumps({"ok": not wrong, "findings": shown}, indent=1))
        if wrong:
            sys.exit(1)
