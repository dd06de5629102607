"""Which Odoo and which addons a database was last brought to, as its own tables say."""

from launchplane_lane_contracts.backup import AddonVersion

from .database import Query

_ADDONS = """
    SELECT name::text, coalesce(latest_version::text, '') FROM public.ir_module_module
     WHERE state IN ('installed', 'to upgrade', 'to remove') ORDER BY name COLLATE "C"
"""
_HAS_ADDONS = """
    SELECT count(*) FROM pg_catalog.pg_attribute a
     WHERE a.attrelid = pg_catalog.to_regclass('public.ir_module_module')
       AND a.attname IN ('name', 'latest_version', 'state') AND NOT a.attisdropped
"""
COLUMNS_NEEDED = 3


def installed_addons(query: Query) -> tuple[AddonVersion, ...]:
    """Every installed addon by name; none where there is no Odoo. Raises what the query raises."""
    ((columns,),) = query(_HAS_ADDONS, ())
    if columns < COLUMNS_NEEDED:
        return ()
    return tuple(AddonVersion(name=name, version=version) for name, version in query(_ADDONS, ()))


def odoo_version(addons: tuple[AddonVersion, ...]) -> str | None:
    """The version of Odoo: that of its addon `base`."""
    return next((each.version for each in addons if each.name == "base"), None)
