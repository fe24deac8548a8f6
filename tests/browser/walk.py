"""Which pages there are: every URL of a workspace that needs no further arguments."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

# Parts of pages, files, and what only takes POSTs.
NOT_PAGES = {"search", "activity"}


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry)
        else:
            yield entry


def workspace_urls() -> Iterator[URLPattern]:
    """All URLs registered by accounts.access.workspace_path."""
    for pattern in patterns(get_resolver()):
        if hasattr(pattern.callback, "permission"):
            yield pattern


def plain_pages() -> list[str]:
    """Names of the workspace URLs whose only argument is the workspace."""
    return sorted(
        {
            str(pattern.name)
            for pattern in workspace_urls()
            if set(pattern.pattern.converters) == {"slug"} and pattern.name not in NOT_PAGES
        }
    )
