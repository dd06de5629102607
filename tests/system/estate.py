"""A small estate of lanes: each a real Odoo database with the addon, files and a runtime."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from launchplane_lane_contracts.lane import Lane
from tests.real.odoo import OdooInstallation, find_odoo
from tests.real.postgres import PrivateCluster
from tests.real.progress import step
from tests.real.template import DATABASE, copy_database, odoo_template
from tests.standins.devkit import __file__ as devkit_file
from tests.standins.launchplane_records import (
    DokployTarget,
    DokployTargetId,
    FileRecordStore,
    LaneProfile,
    OdooDataPolicy,
    ProductProfile,
    RebuildApproval,
)
from tests.standins.provider import LocalProvider, LocalTarget
from tests.system.facts import Facts, read_facts
from tests.system.lane_runtime import ADDONS, LaneRuntime
from tests.system.people import Someone, make_people

CM = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
SYO = Lane(product="odoo-tenant-syo", context="syo", instance="prod")
NORD = Lane(product="odoo-tenant-nord", context="nord", instance="prod")
PHRASE = "yes really"

_ORDER = """
env['res.partner'].create({{'name': {name!r}, 'ref': {ref!r}}})
env['ir.attachment'].create({{'name': {ref!r}, 'raw': ({name!r} * 50).encode()}})
env.cr.commit()
"""


class Estate:
    """Cluster, host directory, people and lanes; everything is gone when it is left."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.runtimes: dict[Lane, LaneRuntime] = {}
        self.people: dict[str, Someone] = {}

    def __enter__(self) -> Self:
        """Build it all. Progress goes to standard error."""
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything and remove it."""
        self._stack.close()

    def _build(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lane-authority-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        odoo = find_odoo()
        template = odoo_template(odoo)
        self.cluster = self._stack.enter_context(PrivateCluster())
        self.host_directory = self.folder / "host"
        self.store = FileRecordStore(self.folder / "launchplane")
        self.provider = LocalProvider()
        self.operate("init", quiet=True)
        public_keys = self.host_directory / "keys" / "public.jwks.json"
        self.people = make_people(
            self.folder / "people", self.host_directory / "approvers", ("alice", "bob", "carol")
        )
        self.operate("init", quiet=True)
        with step("lanes: a real Odoo database with the addon for each"):
            template.restore(self.cluster)
            self._install_addon(odoo, public_keys, template.filestore)
            for lane, database in ((CM, "cm"), (SYO, "syo"), (NORD, "nord")):
                self._make_lane(lane, database, odoo, public_keys)
        with (self.host_directory / "lane-authority.toml").open("a") as configuration:
            for runtime in self.runtimes.values():
                configuration.write(self._configuration_of(runtime))

    def _install_addon(self, odoo: OdooInstallation, public_keys: Path, files: Path) -> None:
        copy_database(self.cluster, DATABASE, "with_addon")
        self._with_addon = LaneRuntime(
            Lane(product="template", context="template", instance="template"),
            self.folder / "template",
            self.cluster,
            odoo,
            public_keys,
            "with_addon",
        )
        self._with_addon.filestore.parent.mkdir(parents=True)
        shutil.copytree(files, self._with_addon.filestore)
        self._with_addon.odoo_run(
            "server", "--init", "launchplane_lane_authority", "--stop-after-init"
        )

    def _make_lane(
        self, lane: Lane, database: str, odoo: OdooInstallation, public_keys: Path
    ) -> None:
        folder = self.folder / "lanes" / lane.context
        runtime = LaneRuntime(lane, folder, self.cluster, odoo, public_keys, database)
        copy_database(self.cluster, "with_addon", database)
        runtime.filestore.parent.mkdir(parents=True)
        shutil.copytree(self._with_addon.filestore, runtime.filestore)
        self._stack.callback(runtime.stop)
        self.runtimes[lane] = runtime
        self._tell_launchplane(runtime)

    def _tell_launchplane(self, runtime: LaneRuntime) -> None:
        """Launchplane's own records, as loose as it lets them be: our driver is what decides."""
        lane = runtime.lane
        name, domain = f"{lane.context}-{lane.instance}", f"{lane.context}.example"
        self.store.write_product_profile_record(
            ProductProfile(
                product=lane.product,
                display_name=lane.context.upper(),
                repository=f"example/{lane.product}",
                lanes=(
                    LaneProfile(
                        instance=lane.instance,
                        context=lane.context,
                        base_url=runtime.address,
                        health_url=f"{runtime.address}/web/health",
                        odoo_data_policy=OdooDataPolicy(
                            data_authority="resettable",
                            allowed_rebuild_sources=("empty",),
                            requires_backup_before_destroy=False,
                            requires_restore_proof=False,
                        ),
                        odoo_stable_bootstrap=RebuildApproval(
                            enabled=True,
                            approval_issue_url="https://forge.example/1",
                            data_source_mode="empty",
                            confirmation=PHRASE,
                            expected_target_name=name,
                            expected_domains=(domain,),
                        ),
                    ),
                ),
            )
        )
        self.store.write_dokploy_target_record(
            DokployTarget(
                context=lane.context, instance=lane.instance, target_name=name, domains=(domain,)
            )
        )
        self.store.write_dokploy_target_id_record(
            DokployTargetId(
                context=lane.context, instance=lane.instance, target_id=f"target-{lane.context}"
            )
        )
        self.provider.add(
            LocalTarget(
                target_id=f"target-{lane.context}",
                name=name,
                domains=(domain,),
                command=(sys.executable, str(Path(str(devkit_file)))),
                environment=self.devkit_environment(runtime),
                stop=runtime.stop,
                start=runtime.launch,
                take_identity=runtime.take_identity,
            )
        )

    def devkit_environment(self, runtime: LaneRuntime) -> dict[str, str]:
        """What the devkit's script finds in the lane's container. It has never heard of us."""
        return {
            **{
                name: value
                for name, value in runtime.environment().items()
                if not name.startswith("LANE_AUTHORITY")
            },
            "ODOO_COMMAND": json.dumps(runtime.odoo.command()),
            "ODOO_ADDONS_PATH": f"{runtime.odoo.addons},{ADDONS}",
            "ODOO_INSTALL_MODULES": "launchplane_lane_authority",
            "ODOO_DATA_WORKFLOW_LOCK_FILE": str(runtime.folder / "devkit.lock"),
            "PLATFORM_CONTEXT": runtime.lane.context,
            "PLATFORM_INSTANCE": runtime.lane.instance,
        }

    def _configuration_of(self, runtime: LaneRuntime) -> str:
        return (
            f'\n[[lanes]]\nlane = "{runtime.lane}"\ndatabase = "{runtime.database}"\n'
            f'filestore_path = "{runtime.filestore}"\nguard_command = ["{runtime.guard}"]\n'
            f'runtime_url = "{runtime.address}"\n'
        )

    def write_order(self, lane: Lane, ref: str, name: str) -> None:
        """Somebody does business: a record and a file, through Odoo itself."""
        self.runtimes[lane].odoo_run(
            "shell", text_input=_ORDER.format(name=name, ref=f"order-{ref}")
        )

    def facts(self, lane: Lane) -> Facts:
        """What really stands at a lane's place."""
        runtime = self.runtimes[lane]
        return read_facts(self.cluster, runtime.database, runtime.filestore)

    def operate(self, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        """Run `lane-authority` as an operator would."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "NO_COLOR")
        }
        environment |= {
            "LANE_AUTHORITY_HOST_DIRECTORY": str(self.host_directory),
            "LANE_AUTHORITY_PERSON": "alice",
            "COLUMNS": os.environ.get("COLUMNS", "150"),
        }
        done = subprocess.run(
            [sys.executable, "-P", "-m", "launchplane_lane_driver.command_line", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if quiet and done.returncode != 0:
            raise RuntimeError(f"lane-authority {' '.join(arguments)}:\n{done.stderr}")
        return done
