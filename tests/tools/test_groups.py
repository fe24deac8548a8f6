"""Tests of one `xdist_group` share a worker, and with it what its fixtures keep."""

import pytest


@pytest.mark.xdist_group("a group")
def test_groups_are_seen_by_xdist(request: pytest.FixtureRequest) -> None:
    """`--dist loadgroup` reads the group from the end of the test's name."""
    grouped = getattr(request.config.option, "loadgroup", False)
    assert request.node.nodeid.endswith("@a group") is grouped
