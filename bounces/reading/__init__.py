"""Reads mails that come back: `parse(bytes) -> Report`.

Delivery status notifications (RFC 3464), also malformed ones, complaints (RFC 5965), automatic
replies (RFC 3834), and the plain words of servers that know none of these. It never raises, and its
time is bounded: each search is linear and everything it reads is capped. Pure.
"""

from bounces.reading.reader import parse
from bounces.reading.report import Failure, Original, Report, ReportKind

__all__ = ["Failure", "Original", "Report", "ReportKind", "parse"]
