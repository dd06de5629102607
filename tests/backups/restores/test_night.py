"""A night: production's Odoo no longer starts after an upgrade, and last night's backup comes back.

One sitting at the command line, from the plan to an Odoo that answers.
"""

from .books import Books
from .small_odoo import content_of

UPGRADE = """
ALTER TABLE res_partner RENAME COLUMN name TO complete_name;
DELETE FROM ir_attachment;
DROP TABLE IF EXISTS ir_cron;
CREATE TABLE half_done (id int);
"""


def test_last_night_s_backup_comes_back_in_one_sitting(books: Books) -> None:
    lane, name = books.lane, str(books.lane.lane)
    books.write("the last invoice of yesterday")
    backup = str(books.run("backup", "capture", name)["gate"]["backup_id"])
    books.run("backup", "prove", backup)
    books.loads(backup)
    yesterday = content_of(lane.cluster, lane.database)
    books.write("the order of this morning")
    lane.execute(UPGRADE, lane.database)
    lane.runtime.stop()
    broken = lane.data()
    # Whoever is on duty is not alone in signing; the runtime is down, and the guard speaks for it.
    request = ("restore/backup_restore", "--backup", backup, "--attest-runtime")
    plan = books.run("plan", name, *request, code=50)
    assert {each["code"] for each in plan["decision"]["reasons"]} == {"approvals_missing"}
    shown = books.host.operate("plan", name, *request)
    assert "New since:" in shown.stdout
    books.host.sign(plan["digest"], "rita", "ann")
    operation = str(books.run("authorize", plan["digest"])["operation_id"])
    books.run("materialise", operation)
    kept = str(books.run("start", operation)["kept_name"])
    # An Odoo that does not answer settles nothing; the one of yesterday's image does.
    waiting = books.host.operate("finish", operation, "--wait", "0")
    assert waiting.code == 50
    assert "runtime_not_answering" in waiting.stderr
    lane.runtime.start()
    assert books.run("finish", operation)["phase"] == "settled"
    assert content_of(lane.cluster, lane.database).digest() == yesterday.digest()
    found = lane.kept_data(kept)
    assert (found.oid, found.rows) == (broken.oid, broken.rows)
    view = books.run("lane", name)
    assert view["marker"]["value"] == "bound"
    assert view["unfinished"] is None
