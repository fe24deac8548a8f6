"""Translations of CodeMirror's phrases, which frontend/src/editor.js passes to the code editor."""

from django.utils.translation import pgettext


def phrases() -> dict[str, str]:
    return {
        "Fold line": pgettext("code editor", "Fold line"),
        "Unfold line": pgettext("code editor", "Unfold line"),
        "unfold": pgettext("code editor", "unfold"),
        "folded code": pgettext("code editor", "folded code"),
        "Folded lines": pgettext("code editor", "Folded lines"),
        "Unfolded lines": pgettext("code editor", "Unfolded lines"),
        "to": pgettext("code editor", "to"),
        "Find": pgettext("code editor", "Find"),
        "Replace": pgettext("code editor", "Replace"),
        "next": pgettext("code editor", "next"),
        "previous": pgettext("code editor", "previous"),
        "all": pgettext("code editor", "all"),
        "match case": pgettext("code editor", "match case"),
        "regexp": pgettext("code editor", "regexp"),
        "by word": pgettext("code editor", "by word"),
        "replace": pgettext("code editor", "replace"),
        "replace all": pgettext("code editor", "replace all"),
        "close": pgettext("code editor", "close"),
        "current match": pgettext("code editor", "current match"),
        "on line": pgettext("code editor", "on line"),
        "replaced match on line $": pgettext("code editor", "replaced match on line $"),
        "replaced $ matches": pgettext("code editor", "replaced $ matches"),
        "Go to line": pgettext("code editor", "Go to line"),
        "go": pgettext("code editor", "go"),
        "Completions": pgettext("code editor", "Completions"),
        "Control character": pgettext("code editor", "Control character"),
        "Diagnostics": pgettext("code editor", "Diagnostics"),
        "No diagnostics": pgettext("code editor", "No diagnostics"),
        "Selection deleted": pgettext("code editor", "Selection deleted"),
    }
