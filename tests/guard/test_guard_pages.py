"""docs/kept-data.md, filestore.md and fingerprint.md are typed in a lane, as they stand there."""

import shlex
from collections.abc import Iterable

from launchplane_lane_contracts.orders import SignedOrder
from tests.guard import child, fingerprint
from tests.guard.attachments import attach, forget_odd_names
from tests.guard.estate import Estate
from tests.guard.test_marker_orders import row_of
from tests.guard.test_release import is_gone
from tests.typed_pages import Page, commands_of


class InTheLane(Page):
    """A page that is typed in the lane's runtime."""

    def __init__(self, lane: Estate, lines: Iterable[str]) -> None:
        super().__init__(lines)
        self.lane = lane
        self.known: dict[str, str] = {}

    def type(self, command: str, order: SignedOrder | None = None, code: int = 0) -> child.Answer:
        """Type the next command, which must be this one; its order lies in the file it names."""
        words = shlex.split(self.left.pop(0))[1:]
        assert " ".join(words).startswith(command), words
        arguments = [self.known.get(each, each) for each in words]
        for number, word in enumerate(words):
            if word.endswith(".jwt"):
                file = self.lane.folder / word
                if order is not None:
                    file.write_text(self.lane.sign(order))
                arguments[number] = str(file)
        answer = self.lane.start_with(arguments, "").wait()
        assert answer.exit_code == code, (command, answer.words)
        return answer


def test_kept_data(lane: Estate) -> None:
    old = lane.data()
    with InTheLane(lane, commands_of("kept-data.md")) as page:
        permit = lane.permit()
        lane.done("begin", lane.sign(permit))
        page.type("abort", permit)
        assert lane.data() == old
        permit = lane.permit()
        lane.done("begin", lane.sign(permit))
        lane.materialise()
        page.type("undo", lane.undo_order(permit))
        assert lane.data() == old
        lane.stamp(lane.stamp_order(lane.show(), permit=permit))
        _permit, kept = lane.rebuild("second")
        page.type("open", lane.open_order(kept))
        assert fingerprint.databases(lane.cluster)[kept.name].takes_connections
        page.type("open --close")
        assert not fingerprint.databases(lane.cluster)[kept.name].takes_connections
        page.type("release", lane.release_order(kept))
        assert is_gone(lane, kept)
        permit = lane.permit()
        lane.done("begin", lane.sign(permit))
        lane.materialise("third")
        page.type("demote", permit)
        assert row_of(lane).nonce == permit.nonce
        lane.settle(permit)
        page.type("claim")
        assert row_of(lane).claimed
        page.type("lower", lane.lower_order())
        assert not row_of(lane).claimed


def test_files_and_fingerprint(production: Estate) -> None:
    lane = production
    forget_odd_names(lane)
    attach(lane, 3)
    before = lane.data()
    with InTheLane(lane, commands_of("filestore.md")) as page:
        page.type("filestore check")
        page.type("filestore repair")
        page.type("filestore refresh")
    assert lane.data() == before
    with InTheLane(lane, commands_of("fingerprint.md")) as page:
        assert page.type("fingerprint").receipt is not None
        kept, snapshot = (shlex.split(each)[3] for each in page.left)
        page.known[kept] = lane.database
        page.type("fingerprint --database")
        held = lane.cluster.connect(lane.database)
        try:
            with held.cursor() as cursor:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SELECT pg_export_snapshot()")
                ((exported,),) = cursor.fetchall()
            page.known[snapshot] = exported
            page.type("fingerprint --snapshot")
        finally:
            held.close()
    assert lane.data() == before
