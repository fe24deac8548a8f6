"""When refusals are a run that has to be stopped. Pure: numbers in, a decision out.

Why these numbers. Lists that were collected properly have some refusals in a hundred; old lists
have up to a fifth of dead addresses, spread over many domains. A relay, a mail provider or a
content filter that turns a mailing down refuses nearly all of it. So:

- Ten mails of one lane tell nothing for sure (a company that closed, a list of ten people of whom
  eight are gone), eleven of which more than half were refused do: with one dead address in five
  that is a chance of less than 1 in 10,000.
- Twenty mails in a row over more than one lane, none accepted: with one dead address in five that
  is a chance of 1 in 10^14. Then it isn't the recipients, it is the relay.
- The same twenty in a row, when others of the mailing were accepted before: the relay has changed,
  or turns the mailing down from here on. Only mails that were tried for the first time count: what
  is left of a mailing at its end was put off before, and may well be refused one after the other.
- Over the whole mailing, twenty lost mails are a cheap warning. A third of refusals that speak of
  the mail or its sender is far more than a healthy mailing has. Dead addresses are the list's, and
  only more than half of them stops a mailing.
"""

from dataclasses import dataclass

# What is older weighs less, so that two numbers are enough for "of the latest".
LATEST_OF_LANE, LATEST = 50, 200
LANE_RUN, LANE_SHARE = 10, 0.5
RELAY_RUN, RELAY_LANES = 20, 2
# So many lanes that are held are trouble of those lanes; more of them are trouble of the mailing.
EXPLAINED = 2
MAILING_RUN, MAILING_SHARE, BLAMED_SHARE = 20, 0.5, 0.3
# A server or firewall that cuts connections instead of answering leaves mails of which nobody knows
# whether they arrived. One restart of a server costs about two for each connection.
UNSEEN_RUN, UNSEEN_SHARE = 30, 0.15
# A worker stops for a moment and has its numbers judged after so many refusals, if they are more
# than this share of what it saw meanwhile.
LOOK_AFTER, LOOK_SHARE = 10, 0.3


@dataclass(frozen=True, slots=True)
class Count:
    """Of the latest mails: how many were accepted, how many refused, and how many of these for
    what the mail or its sender is (`blamed`), not because of the address."""

    accepted: float = 0.0
    refused: float = 0.0
    blamed: float = 0.0
    # Of first tries, how many were refused since the last accepted mail.
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
        """A batch that has more than so many counts as that many, in its own proportions."""
        part = min(1.0, latest / self.decided) if self.decided else 1.0
        return Count(self.accepted * part, self.refused * part, self.blamed * part, self.row)

    def less(self, other: "Count") -> "Count":
        """What was accepted once never becomes nothing."""
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
    """Whether a relay takes nothing of a mailing; `lanes`: in how many it refused something."""
    return count.accepted == 0 and count.refused >= RELAY_RUN and lanes >= RELAY_LANES


def of_row(count: Count, lanes: int) -> bool:
    """Whether a relay that took mails of a mailing takes no more of it; `lanes`: in how many it
    refused the latest ones. Fewer lanes explain themselves."""
    return count.row >= RELAY_RUN and lanes > EXPLAINED


def of_mailing(count: Count) -> bool:
    """Whether a mailing is to be paused: a mixture that no single lane or relay explains."""
    enough = count.refused > MAILING_RUN
    many = count.refused > MAILING_SHARE * count.decided
    blamed = count.blamed > MAILING_RUN and count.blamed > BLAMED_SHARE * count.decided
    return (enough and many) or blamed


def of_unseen(unseen: int, accepted: int) -> bool:
    """Whether so many answers were never seen that a mailing must not go on over a relay."""
    return unseen > UNSEEN_RUN and unseen > UNSEEN_SHARE * (unseen + accepted)


def worth_a_look(refused: int, accepted: int) -> bool:
    """Whether a worker stops for a moment until its numbers were judged."""
    return refused >= LOOK_AFTER and refused > LOOK_SHARE * (refused + accepted)
