"""The tools that look at a cluster and mend it, one file a noun; this page is the list.

A new tool is a class with an `all()` in a file of its own and one line in `catalog`.
"""

from dataclasses import dataclass

from tools.autofix.run import Repairs
from tools.catalog.diagnose import DiagnoseTools
from tools.catalog.logs import LogTools
from tools.catalog.metrics import MetricTools
from tools.catalog.objects import ObjectTools
from tools.catalog.overview import OverviewTools
from tools.catalog.pages import Pages, PageTools
from tools.catalog.repair import RepairTools
from tools.clients.kubernetes import Clusters
from tools.clients.prometheus import Prometheus
from tools.collect import Collector
from tools.spec import AnyTool


@dataclass(frozen=True, slots=True)
class Services:
    """What the tools stand on, built by the wiring."""

    clusters: Clusters
    prometheus: Prometheus
    pages: Pages
    collector: Collector
    repairs: Repairs


def catalog(services: Services) -> list[AnyTool]:
    clusters, pages = services.clusters, services.pages
    return [
        *OverviewTools(clusters, pages).all(),
        *ObjectTools(clusters, pages).all(),
        *LogTools(clusters, pages).all(),
        *MetricTools(services.prometheus, pages).all(),
        *DiagnoseTools(services.collector, clusters.default_namespace).all(),
        *RepairTools(services.repairs).all(),
        *PageTools(pages).all(),
    ]
