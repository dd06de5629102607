import { Component, onMounted, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";

/** What everybody who works here must know of this database; nothing where there is nothing. */
export class LaneBadge extends Component {
    static template = "launchplane_lane_authority.LaneBadge";
    static props = {};

    setup() {
        this.notification = useService("notification");
        this.orm = useService("orm");
        this.badge = useState({ label: "", tone: "", text: "" });
        // The page does not wait for it.
        onMounted(async () => {
            const found = await this.orm.silent.call("launchplane.lane.marker", "lane_badge", []);
            Object.assign(this.badge, found || {});
        });
    }

    explain() {
        const { label, text, tone } = this.badge;
        this.notification.add(text, { title: label, type: tone, sticky: true });
    }
}

registry
    .category("systray")
    .add("launchplane_lane_authority.lane_badge", { Component: LaneBadge }, { sequence: 200 });
