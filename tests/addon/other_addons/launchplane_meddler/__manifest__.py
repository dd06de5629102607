{
    "name": "Another addon",
    "summary": "Does to Launchplane's records what an addon may try",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "launchplane-lane-authority contributors",
    "license": "LGPL-3",
    "depends": ["launchplane_lane_authority"],
    "installable": True,
}
