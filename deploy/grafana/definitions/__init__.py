"""The dashboards, one module each, in the order in which they link to one another."""

from definitions import decisions, depth, release, service, value

ALL = [service.DASHBOARD, decisions.DASHBOARD, value.DASHBOARD, depth.DASHBOARD, release.DASHBOARD]
