"""Prepares the HTML of a sandbox mail for the frame of its page."""

from designs.previews import with_base
from sending.compose.publicurls import OPEN_PIXEL

# A transparent image that needs no request.
NO_PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def framed(html: str) -> str:
    """The HTML without the open pixel, because a person who views the mail here is no recipient.

    Links open in a new tab, because the frame may not load other sites.
    """
    return with_base(OPEN_PIXEL.sub(NO_PICTURE, html))
