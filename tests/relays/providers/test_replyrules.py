"""Rules for providers' replies: their order, and who uses them."""

import subprocess
import sys

from relays.providers import replyrules
from smtp.replies import Stage, classify
from smtp.replies.ruleset import rule_set

# The first whose sign is in a reply is asked first. A change of it changes what replies mean.
ORDER = """
gmail microsoft yahoo apple qq netease sina aliyun tencent ses sendgrid mailgun mailjet brevo
sparkpost postmark gmx mailru yandex mimecast barracuda keitai
""".split()


def test_the_order_of_providers() -> None:
    assert [one.key for one in replyrules.sections()] == ORDER
    assert [sign.key for sign in rule_set().signs] == [*ORDER, "blocklists"]


def test_the_first_of_two_providers_decides() -> None:
    """Gmail is named before Mimecast, though Mimecast's own rule would match."""
    reply = "5.7.1 mimecast: policy, see https://support.google.com/mail/?p=BlockedMessage - gsmtp"
    verdict = classify(550, reply, Stage.CONTENT)
    assert verdict.sign is not None
    assert verdict.sign.key == "gmail"
    assert verdict.rule is not None
    assert verdict.rule.name == "gmail.unsolicited"


def test_services_pass_mails_on() -> None:
    services = "aliyun brevo mailgun mailjet postmark sendgrid ses sparkpost tencent".split()
    assert rule_set().services == set(services)


def test_rules_about_our_account() -> None:
    found = {rule.name for some in rule_set().rules.values() for rule in some if rule.of_account}
    assert found == {"gmail.own-limit", "microsoft.own-limit", "rate.quota"}


def test_they_are_used_without_django() -> None:
    """Whoever asks smtp.replies outside of Django brings the rules himself."""
    code = (
        "from relays.providers.replyrules import reply_rules\n"
        "from smtp import replies\n"
        "replies.use(providers=reply_rules)\n"
        "print(replies.classify(550, '5.1.1 NoSuchUser - gsmtp').rule.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={}
    )
    assert done.stdout == "gmail.no-such-user\n"
