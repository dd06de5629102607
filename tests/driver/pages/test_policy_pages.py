"""docs/policies.md, and what a tenant types of docs/product-repo-contract.md, on a real lane."""

import json

from launchplane_lane_contracts.tenant_declaration import read_declarations
from tests.driver.pages.policy_files import moved
from tests.driver.small_host import RITA, SmallHost, resettable_policy, untouched
from tests.driver.typed import Typed
from tests.standins.launchplane_api import LaunchplaneApi, serving
from tests.typed_pages import commands_of, fenced

TOKEN = "launchplane-token"


def test_policies_from_a_file_to_an_import(host: SmallHost) -> None:
    opw = host.add_lane("opw")
    policies, mapping = (moved(each) for each in fenced("policies.md", "toml"))
    (profile,) = fenced("policies.md", "json")
    refused = host.operate("plan", str(opw.lane), "bootstrap/empty", "--json").stdout
    (host.folder / "state" / "product-profiles").mkdir(parents=True)
    files = {
        "policies.toml": policies,
        "old.toml": policies.replace("bootstrap_empty_allowed = true\n", ""),
        "other.json": json.dumps({"lane": "a/b/c", "rollout_state": "testing"}),
        "cases.jsonl": refused,
        "profile.json": profile,
        "mapping.toml": mapping,
        "state/product-profiles/odoo-tenant-opw.json": profile,
    }
    for name, text in files.items():
        (host.folder / name).write_text(text)
    with serving(LaunchplaneApi(TOKEN)) as api, Typed(host, commands_of("policies.md")) as page:
        api.records["product-profiles"] = [json.loads(profile)]
        page.environment["LAUNCHPLANE_TOKEN"] = TOKEN
        page.known |= {
            "https://launchplane.example": api.address,
            "/srv/launchplane/state": str(host.folder / "state"),
        }
        page.type("policy check")
        assert "loosens" in page.type("policy diff")
        page.type_all("decide", "policy propose")
        assert "treated as production" in page.type("policy check")
        page.type_all("policy check", "policy diff", "policy diff")
        (host.folder / "cases.jsonl").unlink()
        host.enrolled(opw)
        with untouched(opw):
            page.type("plan")
            assert "Line 1: ALLOWED" in page.type("decide")
            # The file's policy asks for a backup, the one on record for none.
            assert "backup_gate_missing" in page.type("decide", 50)
            page.type_all("policy translate", "policy check")
            assert "needs approvals" in page.type("launchplane import")
            page.type("launchplane import")
    assert len((host.folder / "cases.jsonl").read_text().splitlines()) == 1


def test_a_tenants_declaration(host: SmallHost) -> None:
    declaration = fenced("product-repo-contract.md", "toml")[0]
    (declared,) = read_declarations(declaration.encode())
    (host.folder / "lane-declaration.toml").write_text(declaration)
    opw = host.add_lane("opw")
    assert opw.lane == declared.lane
    page = Typed(host, commands_of("product-repo-contract.md"))
    # Another page's command: with it this one is typed there.
    assert page.left.pop() in commands_of("guard.md")
    page.known["/srv/lane-authority"] = str(host.directory)
    agrees = page.left[0]
    assert "policy_unknown" in page.type("tenant check", 50)
    host.record_policy(
        resettable_policy(
            opw.lane, restore_from_upstream_allowed=True, upstream_source=declared.upstream_source
        )
    )
    page.left.insert(0, agrees)
    with page:
        assert "It agrees with the record." in page.type("tenant check")
        assert "It agrees with the record." in page.type("--host-directory")
        page.type("tenant record")
    assert RITA in json.dumps([each.document for each in host.office.store.ledger_entries()])
