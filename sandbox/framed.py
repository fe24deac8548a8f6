"""The HTML of a sandbox mail for the frame of its page."""

from designs.previews import with_base
from sending.compose.publicurls import OPEN_PIXEL

# A picture that shows nothing and asks nobody.
NO_PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def framed(html: str) -> str:
    """Whoever looks at the mail here is no recipient: the open pixel is left out.

    Links open beside our page: it takes no other site into its frame.
    """
    return with_base(OPEN_PIXEL.sub(NO_PICTURE, html))
