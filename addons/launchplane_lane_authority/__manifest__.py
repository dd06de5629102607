{
    "name": "Launchplane Lane Authority",
    "summary": "Says whose data this database holds and what a rebuild may do to it",
    "version": "19.0.0.1.0",
    "category": "Technical",
    "author": "launchplane-lane-authority contributors",
    "license": "LGPL-3",
    "depends": ["base_setup"],
    "post_load": "post_load",
    "external_dependencies": {
        "python": ["launchplane-lane-authority", "pydantic", "PyJWT", "cryptography"],
    },
    "data": [
        "security/ir.model.access.csv",
        "views/launchplane_lane_event_views.xml",
        "wizards/launchplane_lane_claim_views.xml",
        "views/res_config_settings_views.xml",
    ],
    "assets": {"web.assets_backend": ["launchplane_lane_authority/static/src/**/*"]},
}
