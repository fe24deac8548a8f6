"""A worker process's shift: a delivery agent for each relay that has work, until none has any or
ten minutes are over."""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import uvloop
from django.db import Error, InterfaceError, OperationalError

from accounts.secrets import SecretError
from environment import logs
from relays.models import Relay
from relays.queries import clock
from relays.services import health, pace
from sending.engine import stopping
from sending.engine.database import Database
from sending.engine.deliveryagent import DeliveryAgent
from sending.engine.ledger import watch
from sending.host.processlock import ProcessLock
from sending.host.trouble import CODES, HostTroubleError
from sending.services import dispatch

log = logs.get(__name__)

# Seconds after which a process takes no more; another shift goes on. Nothing a shift keeps grows
# meanwhile, but a process that can be recycled is easier to trust.
SHIFT = 600.0
# A relay without due work keeps its connections and its slot so long, in seconds.
LINGER = 3.0
# Seconds between two looks for relays with work, and at the batches.
LOOK, WATCH = 1.0, 0.7
# The same while shares of connections change hands: who gives some up says so at once, so that who
# waits for them begins. So it is in an agent's first seconds, when others may begin beside it.
WATCH_SOON, SETTLED = 0.15, 2.0
# The database is away, for all relays. Other errors of it are about one statement and its values.
AWAY = (OperationalError, InterfaceError)
# Relays that one process serves at once.
MOST_RELAYS = 16
# What flows through a shift is freed when its last name goes: Python's collector would look at all
# of it again and again for rings that aren't there, a tenth of the time. See gc.set_threshold.
COLLECT = (50_000, 50, 100)
# Seconds that the loop may keep Python's lock from the database's thread, which needs it for a
# moment after each of a claim's statements; five times as long by default (sys.setswitchinterval).
HAND_OFF = 0.001


def run(relay: Relay, *, budget: float = SHIFT) -> int:
    """Serves one relay until nothing is due; returns the messages that came to an outcome."""
    return _loop(lambda shift: shift.only(relay, budget))


def run_all(*, budget: float = SHIFT, linger: float = LINGER) -> int:
    """Serves all relays that have work and a free slot, until there is none for `linger`
    seconds."""
    return _loop(lambda shift: shift.all(budget, linger))


def _loop(work: "Callable[[_Shift], asyncio.Future[int] | object]") -> int:
    with (
        _tuned(),
        ProcessLock() as lock,
        closing(Database()) as database,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(work(_Shift(database, lock)))  # type: ignore[arg-type]


@contextmanager
def _tuned() -> Iterator[None]:
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(*COLLECT)
    sys.setswitchinterval(HAND_OFF)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)


class _Shift:
    def __init__(self, database: Database, lock: ProcessLock) -> None:
        self.database = database
        self.lock = lock
        self.agents: dict[int, DeliveryAgent] = {}
        self.tasks: dict[int, asyncio.Task[int]] = {}
        # When the last agent began, on the loop's clock.
        self.began = 0.0
        self.done = 0
        self.trouble: BaseException | None = None
        # Relays whose agents failed by an error of ours.
        self.failed: list[tuple[int, BaseException]] = []

    async def only(self, relay: Relay, budget: float) -> int:
        ends = asyncio.get_running_loop().time() + budget
        watching = asyncio.create_task(self._watch())
        try:
            if await self._start(relay, ends, linger=0.0):
                await asyncio.wait(self.tasks.values())
        finally:
            await self._end()
            watching.cancel()
        await self._leave_out()
        return self._result()

    async def all(self, budget: float, linger: float) -> int:
        loop = asyncio.get_running_loop()
        ends = loop.time() + budget
        watching = asyncio.create_task(self._watch())
        try:
            while not stopping.asked() and loop.time() < ends and self.trouble is None:
                await self._start_those_with_work(ends, linger)
                if not self.tasks:
                    break
                await asyncio.wait(
                    self.tasks.values(), timeout=LOOK, return_when=asyncio.FIRST_COMPLETED
                )
                self._collect()
                await self._leave_out()
        finally:
            await self._end()
            watching.cancel()
        await self._leave_out()
        return self._result()

    async def _end(self) -> None:
        """Whatever ended the shift, no agent is cancelled: the database may just be claiming a
        batch for it, which nobody would have then."""
        for agent in self.agents.values():
            agent.stop()
        if self.tasks:
            await asyncio.wait(self.tasks.values())
            self._collect()

    async def _start_those_with_work(self, ends: float, linger: float) -> None:
        for relay_id in await self.database(dispatch.relays_to_run):
            if relay_id in self.tasks or len(self.tasks) >= MOST_RELAYS:
                continue
            relay = await self.database(Relay.objects.filter(pk=relay_id).first)
            if relay is not None:
                await self._start(relay, ends, linger=linger)

    async def _leave_out(self) -> None:
        """A relay whose agent failed waits, longer each time; the others go on."""
        while self.failed:
            relay_id, error = self.failed.pop()
            log.failed("sending over a relay failed", error, relay=relay_id)
            relay = await self.database(Relay.objects.filter(pk=relay_id).first)
            if relay is not None:
                holder = f"{self.lock.name}:{relay.pk}"
                await self.database(pace.free_slots, holder)
                words = f"{type(error).__name__}: {error}"
                await self.database(health.back_off, relay, "fault", words)

    async def _start(self, relay: Relay, ends: float, *, linger: float) -> bool:
        holder = f"{self.lock.name}:{relay.pk}"
        slot = await self.database(pace.take_slot, relay, holder)
        if slot is None:
            return False
        try:
            agent = DeliveryAgent(relay, slot, holder, self.database, linger)
        except SecretError:
            await self.database(health.stop, relay, "secret", "")
            await self.database(pace.free_slots, holder)
            return False
        except Exception as error:
            if _is_of_host(error):
                raise
            # The others go on; `_leave_out` writes it down.
            self.failed.append((relay.pk, error))
            return False
        self.agents[relay.pk] = agent
        self.began = agent.loop.time()
        self.tasks[relay.pk] = asyncio.create_task(agent.run(ends))
        return True

    def _collect(self) -> None:
        for relay_id, task in list(self.tasks.items()):
            if not task.done():
                continue
            del self.tasks[relay_id], self.agents[relay_id]
            error = task.exception()
            if isinstance(error, AWAY) or _is_of_host(error):
                self.trouble = error
            elif error is not None:
                self.failed.append((relay_id, error))
            else:
                self.done += task.result()

    def _result(self) -> int:
        if self.trouble is not None:
            raise self.trouble
        return self.done

    def _unsettled(self) -> bool:
        """Whether shares of connections may be about to change hands."""
        if asyncio.get_running_loop().time() - self.began < SETTLED:
            return True
        shares = ((one.slot.connections, len(one.connections.open)) for one in self.agents.values())
        return any(may == 0 or has > may for may, has in shares)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SOON if self._unsettled() else WATCH)
            agents = list(self.agents.values())
            if stopping.asked():
                for agent in agents:
                    agent.stop()
            began = clock.steady()
            try:
                await self.database(watch, [batch for one in agents for batch in one.batches])
            except Error as error:
                # Nothing could be recorded: what is on the wire is finished, no more is begun.
                log.warning("database away while sending", error=error)
                for agent in agents:
                    agent.stop()
                continue
            for agent in agents:
                await self._watch_one(agent, began)

    async def _watch_one(self, agent: DeliveryAgent, began: float) -> None:
        """An error stops this agent; the others are looked after as before."""
        try:
            await agent.watch(began)
        except Exception as error:
            log.exception("relay could not be watched", relay=agent.relay.pk)
            agent.stop()
            if not isinstance(error, AWAY) and not _is_of_host(error):
                self.failed.append((agent.relay.pk, error))


def _is_of_host(error: BaseException | None) -> bool:
    """Trouble that would be the same for every relay, and is charged to none."""
    local = isinstance(error, OSError) and error.errno in CODES
    return local or isinstance(error, HostTroubleError)
