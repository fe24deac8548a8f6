"""Registers with apps on its left: what people chose by links of mails, for contacts that are
merged."""

from contacts import contactmerge
from tracking.queries import ownoptins

contactmerge.own_opt_ins.add(ownoptins.of, key="tracking")
