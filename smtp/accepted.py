"""The messages of a batch that a server accepted. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Accepted:
    """Messages that a server accepted, in parallel lists: these are nearly all messages of a batch,
    so one object per message would cost too much. `lanes`: {lane: [number of messages, sum of the
    seconds from content to reply]}. `refused`: {id of a refused message: number of messages that
    had been accepted before it}."""

    ids: list[int] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lanes: dict[int, list[float]] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)

    def add(self, message_id: int, lane: int, reply: str, seconds: float) -> None:
        self.ids.append(message_id)
        self.replies.append(reply)
        self.seconds.append(seconds)
        if lane in self.lanes:
            sums = self.lanes[lane]
            sums[0] += 1
            sums[1] += seconds
        else:
            self.lanes[lane] = [1, seconds]

    def refuse(self, message_id: int) -> None:
        self.refused[message_id] = len(self.ids)

    def join(self, other: "Accepted") -> None:
        """Appends the results of `other`, which came later."""
        before = len(self.ids)
        self.refused |= {number: before + place for number, place in other.refused.items()}
        self.ids += other.ids
        self.replies += other.replies
        self.seconds += other.seconds
        for lane, (number, seconds) in other.lanes.items():
            sums = self.lanes.setdefault(lane, [0, 0.0])
            sums[0] += number
            sums[1] += seconds

    def __len__(self) -> int:
        return len(self.ids)
