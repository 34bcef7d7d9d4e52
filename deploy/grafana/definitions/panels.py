"""Panels and dashboards in the one manner that all of them share."""

import dataclasses

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders import timeseries as lines
from grafana_foundation_sdk.models import common as style
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from definitions import queries

TAG = "pointsman"
DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, RED = "green", "yellow", "red"
POSITIVE = [(None, RED), (0, GREEN)]  # thresholds of a figure that should not be negative
HEIGHT = 8          # rows of Grafana's grid, of 30 pixels
STAT_HEIGHT = 4
WIDTH = 24          # columns of the grid


@dataclasses.dataclass(frozen=True)
class Query:
    """One expression of a panel; `legend` names its series, such as "{{model}}"."""

    expression: str
    legend: str = ""


def above(warning, critical=None):
    """Thresholds of a figure that should stay low."""
    return [(None, GREEN), (warning, YELLOW)] + ([(critical, RED)] if critical is not None else [])


def below(warning, critical):
    """Thresholds of a figure that should stay high."""
    return [(None, RED), (critical, YELLOW), (warning, GREEN)]


def _finish(panel, title, description, queries_, unit, thresholds, width, height, instant):
    panel = panel.title(title).description(description).datasource(DATASOURCE).span(width).height(height)
    steps = [model.Threshold(value=value, color=colour)
             for value, colour in thresholds or [(None, GREEN)]]
    panel = panel.unit(unit).thresholds(
        dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    for index, query in enumerate(queries_):
        target = (prometheus.Dataquery().ref_id(chr(ord("A") + index)).expr(query.expression)
                  .legend_format(query.legend or "__auto").datasource(DATASOURCE))
        if isinstance(panel, heatmap.Panel):
            target = target.format(PromQueryFormat.HEATMAP)
        elif isinstance(panel, tables.Panel):
            target = target.format(PromQueryFormat.TABLE)
        panel = panel.with_target(target.instant() if instant else target.range())
    return panel


def figure(title, description, expression, unit="short", thresholds=None, width=4, decimals=None,
           no_value=None):
    """One number, with its course behind it."""
    panel = (stat.Panel().graph_mode(style.BigValueGraphMode.AREA)
             .color_mode(style.BigValueColorMode.VALUE)
             .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])))
    if decimals is not None:
        panel = panel.decimals(decimals)
    if no_value is not None:
        panel = panel.no_value(no_value)
    return _finish(panel, title, description, [Query(expression)], unit, thresholds, width, STAT_HEIGHT,
                   instant=False)


def course(title, description, *queries_, unit="short", thresholds=None, width=8, stacked=False,
           low=0, high=None, no_value=None):
    """Lines over time; stacked ones are filled."""
    panel = (lines.Panel()
             .line_width(1).fill_opacity(40 if stacked else 8).show_points(style.VisibilityMode.NEVER)
             .legend(common.VizLegendOptions().show_legend(True)
                     .display_mode(style.LegendDisplayMode.LIST)
                     .placement(style.LegendPlacement.BOTTOM))
             .tooltip(common.VizTooltipOptions().mode(style.TooltipDisplayMode.MULTI)
                      .sort(style.SortOrder.DESCENDING)))
    if low is not None:
        panel = panel.min(low)
    if high is not None:
        panel = panel.max(high)
    if no_value is not None:
        panel = panel.no_value(no_value)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(style.StackingMode.NORMAL))
    if thresholds:
        panel = panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(style.GraphTresholdsStyleMode.DASHED))
    return _finish(panel, title, description, queries_, unit, thresholds, width, HEIGHT, instant=False)


def bars(title, description, *queries_, unit="percentunit", thresholds=None, width=8, high=1):
    """The present value of each series as a bar."""
    panel = (bargauge.Panel().orientation(style.VizOrientation.HORIZONTAL)
             .display_mode(style.BarGaugeDisplayMode.BASIC).min(0).max(high)
             .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])))
    return _finish(panel, title, description, queries_, unit, thresholds, width, HEIGHT, instant=True)


def density(title, description, metric, unit="short", width=8):
    """A histogram over time, as colours."""
    panel = (heatmap.Panel().calculate(False).show_legend().cell_gap(1)
             .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64)))
    query = Query(queries.rate(f"{metric}_bucket", labels="le"), "{{le}}")
    return _finish(panel, title, description, [query], unit, None, width, HEIGHT, instant=False)


def listing(title, description, *queries_, unit="short", hidden=("Time",), renamed=None, width=12):
    """The present series as rows, with their labels and the value of each query as columns."""
    panel = (tables.Panel()
             .with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
             .with_transformation(model.DataTransformerConfig(id_val="organize", options={
                 "excludeByName": dict.fromkeys(hidden, True), "renameByName": renamed or {}})))
    return _finish(panel, title, description, queries_, unit, None, width, HEIGHT, instant=True)


def row(title):
    """Begins a group of panels."""
    return dashboard.Row(title)


def _variable(name, label, query):
    # On change of the time range, too: instances come and go.
    return (dashboard.QueryVariable(name).label(label).datasource(DATASOURCE).query(query)
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(model.VariableSort.ALPHABETICAL_ASC).multi(True).include_all(True).all_value(".*")
            .current(model.VariableOption(selected=True, text=["All"], value=["$__all"])))


def board(uid, title, description, *panels):
    """A dashboard with the variables, links and annotations that all have."""
    built = (dashboard.Dashboard(f"Pointsman / {title}").uid(f"pointsman-{uid}").description(description)
             .tags([TAG]).time("now-6h", "now").refresh("30s").timezone("browser").editable()
             .tooltip(model.DashboardCursorSync.CROSSHAIR)
             .with_variable(dashboard.DatasourceVariable("datasource").label("Data source")
                            .type("prometheus"))
             .with_variable(_variable("job", "Job", "label_values(pointsman_build_info, job)"))
             .with_variable(_variable(
                 "track", "Track", 'label_values(pointsman_build_info{job=~"$job"}, track)'))
             .with_variable(_variable(
                 "instance", "Instance",
                 'label_values(pointsman_build_info{job=~"$job",track=~"$track"}, instance)'))
             .annotation(dashboard.AnnotationQuery().name("Bundle activated").datasource(DATASOURCE)
                         .enable(True).icon_color("blue").expr(
                 "changes(" + queries.series("pointsman_bundle_activated_time_seconds")
                 + "[$__interval]) > 0"))
             .link(dashboard.DashboardLink("Pointsman").type(model.DashboardLinkType.DASHBOARDS)
                   .tags([TAG]).as_dropdown(False).include_vars(True).keep_time(True)))
    for number, panel in enumerate(panels, start=1):
        add = built.with_row if isinstance(panel, dashboard.Row) else built.with_panel
        add(panel.id(number))
    return built.build()
