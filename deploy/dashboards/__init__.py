"""The dashboards of the house: `python -m deploy.dashboards` writes them into the chart, as Grafana reads them."""
