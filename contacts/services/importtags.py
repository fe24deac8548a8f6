"""The tags of an import: how many new ones its file may bring, and those of a batch."""

from collections.abc import Mapping

from contacts import tagnames
from contacts.batches import RowBatch
from contacts.columns import TAGS
from contacts.models import Import, Tag
from contacts.queries import importtags
from contacts.queries.importing import Target
from contacts.tagnames import Names, TagReader


def reader(import_: Import) -> TagReader | None:
    """For the rest of the import's file; None if no column has tags."""
    if TAGS not in import_.mapping:
        return None
    known = Tag.objects.filter(workspace=import_.workspace_id).values_list("key", flat=True)
    keys = set(known[: tagnames.MOST + tagnames.NEW_A_FILE])
    # Those that earlier batches made are known now.
    left = tagnames.NEW_A_FILE - import_.counts.get("new_tags", 0)
    return TagReader(keys, room=min(left, tagnames.MOST - len(keys)))


def merge(target: Target, batch: RowBatch, merged: Mapping[str, int]) -> dict[str, int]:
    """Write the tags of a batch that was merged, with these counts; the counts "tagged" and
    "new_tags"."""
    if not batch.tagged.tell():
        return {}
    importtags.stage(batch.tagged)
    known = merged.get("updated", 0) + merged.get("unchanged", 0)
    return importtags.merge(target, all_new=not known)


def judge(target: Target, batch: RowBatch, new: Names) -> dict[str, int]:
    """The same counts for a check. `new`: tags that earlier batches would have made; those of this
    batch are added."""
    if not batch.tagged.tell():
        return {}
    importtags.stage(batch.tagged)
    before = len(new)
    for key, name in importtags.new_names(target).items():
        new.setdefault(key, name)
    return {"tagged": importtags.count(target), "new_tags": len(new) - before}
