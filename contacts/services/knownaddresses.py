"""Whose address this is: the contact, and the person's other addresses."""

from dataclasses import dataclass

from accounts.models import Workspace
from contacts.erasures import ErasedPerson
from contacts.models import Contact, FormerAddress
from contacts.preferencemodels import AddressChange

# How many contacts are named that had an address before.
MOST = 10


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """`address`: normalised. `proven`: all addresses that are surely the person's. `asked`: those
    that were only asked for, which may be a stranger's by a slip of the keyboard. `was_of`: other
    contacts, which had the address before; nobody has it now."""

    address: str
    workspace_id: int
    contact: Contact | None = None
    proven: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    was_of: tuple[Contact, ...] = ()

    @property
    def others(self) -> list[str]:
        """The person's other addresses."""
        return [one for one in (*self.proven, *self.asked) if one != self.address]

    @property
    def everything(self) -> ErasedPerson:
        """With all addresses that the person may have."""
        return self._person((*self.proven, *self.asked))

    @property
    def surely(self) -> ErasedPerson:
        """With the proven addresses only: what is told to the person."""
        return self._person(self.proven)

    def _person(self, addresses: tuple[str, ...]) -> ErasedPerson:
        number = self.contact.pk if self.contact else 0
        return ErasedPerson(self.workspace_id, tuple(sorted(addresses)), number)


def find(workspace: Workspace, address: str) -> KnownAddress:
    """`address`: normalised."""
    contact = Contact.objects.filter(workspace=workspace, email=address).first()
    if contact is None:
        before = Contact.objects.filter(workspace=workspace, former_addresses__address=address)
        was_of = tuple(before.distinct().order_by("pk")[:MOST])
        return KnownAddress(address, workspace.pk, None, (address,), was_of=was_of)
    former = set(FormerAddress.objects.filter(contact=contact).values_list("address", flat=True))
    asked = set(AddressChange.objects.filter(contact=contact).values_list("address", flat=True))
    # An address that somebody else has now is not this person's any more.
    taken = Contact.objects.filter(workspace=workspace, email__in=former | asked)
    others = set(taken.exclude(pk=contact.pk).values_list("email", flat=True))
    proven = {address, *former} - others
    return KnownAddress(
        address,
        workspace.pk,
        contact,
        tuple(sorted(proven)),
        tuple(sorted(asked - proven - others)),
    )
