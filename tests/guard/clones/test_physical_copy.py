"""A copy of the whole cluster keeps every identity. What tells is what lies outside of it.

What does not tell is shown as well: in an environment that is set up as the lane's own, a copy that
is not behind is the lane.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from launchplane_lane_contracts.vocabulary import MarkerState
from tests.guard.clones.verdict import expect_bound, expect_refusal, signed_before
from tests.guard.estate import Estate, refused
from tests.real.postgres import PrivateCluster
from tests.real.server_user import give_to_server_user


@pytest.fixture
def original(tmp_path: Path) -> Iterator[Estate]:
    with PrivateCluster() as cluster:
        yield Estate(cluster, tmp_path, "lane", cluster.odoo).make().enrol()


def copy_of(original: Estate, cluster: PrivateCluster) -> Estate:
    """The same bytes on another port, with the lane's own files and keep before it."""
    original.cluster.stop()
    cluster.stop()
    shutil.rmtree(cluster.data_directory)
    shutil.copytree(original.cluster.data_directory, cluster.data_directory)
    for path in (cluster.data_directory, *cluster.data_directory.rglob("*")):
        give_to_server_user(path)
    cluster.superuser, cluster.odoo = original.cluster.superuser, original.cluster.odoo
    cluster.start()
    original.cluster.start()
    twin = replace(original, cluster=cluster)
    twin.record = original.record
    return twin


@pytest.mark.slow
def test_a_copy_of_the_cluster(original: Estate) -> None:
    token = signed_before(original)
    with PrivateCluster() as cluster:
        twin = copy_of(original, cluster)
        there, here = original.show().database.identity(), twin.show().database.identity()
        assert there is not None
        assert there == here
        # Not seen: nothing in the copy differs from the lane.
        expect_bound(twin)

        # Seen: the copy runs as another lane, and the lane's permit is not for that one.
        before = twin.everything()
        other = json.dumps({**twin.lane.to_plain(), "instance": "staging"})
        answer = twin.run("begin", token, LAUNCHPLANE_RUNTIME_IDENTITY_JSON=other)
        refused(answer, "environment_other_lane")
        assert twin.everything() == before

        # Seen: the lane went on without the copy, and the host remembers.
        original.rebuild()
        twin.record = original.record
        token = signed_before(original)
        expect_refusal(twin, token, marker=MarkerState.ROLLED_BACK, code="marker_rolled_back")
        expect_bound(original)
