"""A small lane with an old host that it is restored from, by the guard alone."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from launchplane_lane_contracts.contract import DatabaseName, Digest, FilestorePath, OperationId
from launchplane_lane_contracts.evidence import IncomingData, KeptData, SideData
from launchplane_lane_contracts.naming import is_side_name
from launchplane_lane_contracts.orders import MaterialiseOrder, Permit
from launchplane_lane_contracts.policy import UpstreamSource
from launchplane_lane_contracts.vocabulary import DataSource
from tests.guard import fingerprint
from tests.guard.child import Answer
from tests.guard.estate import Estate
from tests.real.postgres import PrivateCluster

from .small_odoo import SmallOdoo, write_addons

OPERATION = OperationId("operation-0001")
PLAN = Digest("e" * 64)
FROM_UPSTREAM = DataSource.UPSTREAM_RESTORE


@dataclass
class OldHostEstate(Estate):
    """The lane; `old` is what it is restored from."""

    old: SmallOdoo = field(kw_only=True)
    side: SideData | None = None
    """What waits beside the lane, for the next permit."""
    variables: dict[str, str] = field(default_factory=dict)
    """More variables of the lane's environment."""

    def environment(self, **changed: str | None) -> dict[str, str]:
        """The variables of the lane's container."""
        assert self.upstream is not None
        fetch = f"tar -C {self.old.filestore} --null -T - -cf -"
        return super().environment(
            **{
                "ODOO_UPSTREAM_HOST": self.upstream.host,
                "ODOO_UPSTREAM_DB_NAME": self.upstream.database,
                "ODOO_UPSTREAM_DB_USER": self.old.cluster.odoo.name,
                "ODOO_UPSTREAM_FILESTORE_PATH": self.upstream.filestore_path,
                "LANE_AUTHORITY_UPSTREAM_PORT": str(self.old.cluster.port),
                "LANE_AUTHORITY_UPSTREAM_PASSWORD": self.old.cluster.odoo.password,
                "LANE_AUTHORITY_UPSTREAM_FILES": fetch,
                "ODOO_ADDONS_PATH": str(self.folder / "addons"),
                **self.variables,
                **changed,
            }
        )

    def incoming(self, source: DataSource, kept: KeptData | None) -> IncomingData:
        """What the host knows of the data that is to come."""
        return super().incoming(source, kept).model_copy(update={"side": self.side})

    def materialise_order(self, **changed: object) -> MaterialiseOrder:
        """Leave to restore the old host's data beside the lane."""
        plain: dict[str, object] = {
            **self._head(datetime.now(UTC)),
            "operation_id": OPERATION,
            "plan_digest": PLAN,
            "upstream": self.upstream,
            "neutralise": True,
            **changed,
        }
        return MaterialiseOrder.model_validate(plain)

    def bring(self, **changed: str | None) -> Answer:
        """Restore it beside the lane, which may fail."""
        return self.run("materialise", self.sign(self.materialise_order()), **changed)

    def brought(self) -> SideData:
        """Restore it beside the lane; the next permit says so."""
        found = self.done("materialise", self.sign(self.materialise_order())).result
        assert found is not None
        self.side = SideData.from_plain(found)
        return self.side

    def begun(self) -> Permit:
        """Brought, and begun."""
        self.brought()
        permit = self.permit(FROM_UPSTREAM)
        self.done("begin", self.sign(permit))
        return permit

    def beside(self) -> list[str]:
        """Every trace of data beside the lane: databases, folders."""
        databases = [name for name in fingerprint.databases(self.cluster) if is_side_name(name)]
        folders = [each.name for each in (self.keep / "sides").glob("*") if each.is_dir()]
        return sorted({*databases, *folders})

    def sessions(self) -> int:
        """How many sessions the guard's programs have, on both servers."""
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lane-authority-guard'"
        )
        return sum(
            int(str(cluster.execute(statement)[0][0]))
            for cluster in (self.cluster, self.old.cluster)
        )


def make_estate(
    cluster: PrivateCluster, old_server: PrivateCluster, folder: Path, *, partners: int = 20
) -> OldHostEstate:
    """An enrolled lane that may be restored from its old host."""
    name = f"old_{secrets.token_hex(4)}"
    old = SmallOdoo(old_server, name, folder / "old" / name).make("old host", partners=partners)
    upstream = UpstreamSource(
        name="old host",
        host=old_server.host,
        database=DatabaseName(name),
        filestore_path=FilestorePath(str(old.filestore)),
    )
    write_addons(folder / "lane" / "addons")
    made = OldHostEstate(cluster, folder / "lane", "lane", cluster.odoo, upstream=upstream, old=old)
    made.make().enrol()
    return made
