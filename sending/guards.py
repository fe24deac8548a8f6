"""Decides when refusals are a run that has to be stopped. Pure: numbers in, a decision out.

Why these numbers. Lists that were collected properly have some refusals in a hundred; old lists
have up to a fifth of dead addresses, spread over many domains. A relay, a mail provider or a
content filter that turns a mailing down refuses nearly all of it. So:

- Ten refusals in one lane may be chance (a company that closed, a list of ten people of whom eight
  are gone). More than ten, and more than half of the lane's mails, are not: with one dead address
  in five the chance is less than 1 in 10,000.
- Twenty mails in a row over more than one lane, none accepted: with one dead address in five the
  chance is 1 in 10^14. Then the relay is to blame, not the recipients.
- Twenty in a row after others of the mailing were accepted: the relay has changed, or refuses the
  mailing from here on. Only first tries count: at its end a mailing has only messages left that
  were put off before, and these may well be refused one after the other.
- Over the whole mailing, twenty lost mails are a cheap warning. A healthy mailing has far fewer
  than a third of refusals about the mail or its sender. Dead addresses are the fault of the list;
  only more than half of them stop a mailing.
"""

from dataclasses import dataclass

# Counts cover about this many of the latest mails: older ones weigh less, so that two numbers are
# enough.
LATEST_OF_LANE, LATEST = 50, 200
LANE_RUN, LANE_SHARE = 10, 0.5
RELAY_RUN, RELAY_LANES = 20, 2
# Up to so many held lanes are the fault of those lanes; if more are held, it is the mailing's.
EXPLAINED = 2
MAILING_RUN, MAILING_SHARE, BLAMED_SHARE = 20, 0.5, 0.3
# A server or firewall that cuts connections instead of answering leaves mails of unknown result.
# One restart of a server costs about two mails for each connection.
UNSEEN_RUN, UNSEEN_SHARE = 30, 0.15
# A worker pauses and has its refusals judged after so many, if they are more than this share of the
# replies since the last time.
LOOK_AFTER, LOOK_SHARE = 10, 0.3


@dataclass(frozen=True, slots=True)
class Count:
    """How many of the latest mails were accepted and refused, and how many of these because of the
    mail or its sender (`blamed`), not the address."""

    accepted: float = 0.0
    refused: float = 0.0
    blamed: float = 0.0
    # How many first tries were refused since the last accepted mail.
    row: int = 0

    @property
    def decided(self) -> float:
        return self.accepted + self.refused

    def plus(self, other: "Count") -> "Count":
        return Count(
            self.accepted + other.accepted,
            self.refused + other.refused,
            self.blamed + other.blamed,
            self.row + other.row,
        )

    def within(self, latest: int) -> "Count":
        """The count scaled down to at most `latest` mails."""
        part = min(1.0, latest / self.decided) if self.decided else 1.0
        return Count(self.accepted * part, self.refused * part, self.blamed * part, self.row)

    def less(self, other: "Count") -> "Count":
        """The difference. `accepted` never becomes 0 if a mail was accepted."""
        least = 0.001 if self.accepted else 0.0
        return Count(
            max(least, self.accepted - other.accepted),
            max(0.0, self.refused - other.refused),
            max(0.0, self.blamed - other.blamed),
            self.row,
        )


def of_lane(count: Count) -> bool:
    """Whether a lane of a mailing is to be held."""
    return count.refused > LANE_RUN and count.refused > LANE_SHARE * count.decided


def of_relay(count: Count, lanes: int) -> bool:
    """Whether a relay accepts nothing of a mailing; `lanes`: in how many lanes it refused mails."""
    return count.accepted == 0 and count.refused >= RELAY_RUN and lanes >= RELAY_LANES


def of_row(count: Count, lanes: int) -> bool:
    """Whether a relay that accepted mails of a mailing accepts no more; `lanes`: in how many lanes
    it refused the latest ones. A few lanes would be those lanes' fault."""
    return count.row >= RELAY_RUN and lanes > EXPLAINED


def of_mailing(count: Count) -> bool:
    """Whether a mailing must be paused: too many refusals, not explained by a single lane or
    relay."""
    enough = count.refused > MAILING_RUN
    many = count.refused > MAILING_SHARE * count.decided
    blamed = count.blamed > MAILING_RUN and count.blamed > BLAMED_SHARE * count.decided
    return (enough and many) or blamed


def of_unseen(unseen: int, accepted: int) -> bool:
    """Whether so many answers were never seen that a mailing must not go on over a relay."""
    return unseen > UNSEEN_RUN and unseen > UNSEEN_SHARE * (unseen + accepted)


def worth_a_look(refused: int, accepted: int) -> bool:
    """Whether a worker pauses until its refusals are judged."""
    return refused >= LOOK_AFTER and refused > LOOK_SHARE * (refused + accepted)
