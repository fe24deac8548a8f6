"""The consents for counting opens that an import's file states, batch by batch."""

from contacts.batches import RowBatch
from contacts.provenance import IMPORT, Source
from contacts.queries import importopens
from contacts.queries.importing import Target
from contacts.services import openconsent


def merge(target: Target, batch: RowBatch) -> dict[str, int]:
    """Write those of a batch that was merged; the counts "opens_given" and "opens_refused"."""
    if not batch.opens:
        return {}
    source = Source(IMPORT, target.import_id)
    agreed = importopens.agreeing(target, _addresses(batch, given=True)).values()
    refused = importopens.refusing(target, _addresses(batch, given=False)).values()
    given = openconsent.give([pk for pk in agreed if pk], source, text=target.filename)
    left = openconsent.withdraw([pk for pk in refused if pk], source, text=target.filename)
    return {"opens_given": given, "opens_refused": left}


def judge(target: Target, batch: RowBatch) -> dict[str, int]:
    """The same counts for a check, whose transaction remembers the refusals of earlier batches."""
    if not batch.opens:
        return {}
    agreed = importopens.agreeing(target, _addresses(batch, given=True))
    refused = importopens.refusing(target, _addresses(batch, given=False))
    return {"opens_given": len(agreed), "opens_refused": importopens.remember_refused(refused)}


def forget_refused() -> None:
    """Ends a check."""
    importopens.forget_refused()


def _addresses(batch: RowBatch, *, given: bool) -> list[str]:
    return [email for email, said in batch.opens.items() if said is given]
