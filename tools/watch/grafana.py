"""Dashboards as Grafana imports them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tools.watch.panels import Dashboard, Panel

_WIDTH, _HEIGHT, _NUMBER_WIDTH, _NUMBER_HEIGHT = 8, 8, 4, 4
_COLUMNS = 24
_SOURCE = {"type": "prometheus", "uid": "${source}"}


def dashboard_text(board: Dashboard) -> str:
    """Return a dashboard as JSON."""
    content = {
        "uid": f"proofgrid-{board.name}",
        "title": board.title,
        "tags": ["proofgrid"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}],
        },
        "panels": [
            _panel(number, panel, place)
            for number, (panel, place) in enumerate(zip(board.panels, _places(board.panels), strict=True), start=1)
        ],
    }
    return json.dumps(content, indent=1) + "\n"


def _places(panels: Sequence[Panel]) -> list[dict[str, int]]:
    places, x, y, row_height = [], 0, 0, 0
    for panel in panels:
        width = _NUMBER_WIDTH if panel.is_number else _WIDTH
        height = _NUMBER_HEIGHT if panel.is_number else _HEIGHT
        if x + width > _COLUMNS or (row_height and row_height != height):
            x, y, row_height = 0, y + row_height, 0
        places.append({"x": x, "y": y, "w": width, "h": height})
        x, row_height = x + width, height
    return places


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, object]:
    return {
        "id": number,
        "title": panel.title,
        "description": panel.says,
        "type": "stat" if panel.is_number else "timeseries",
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": None if panel.is_number else 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {
                "refId": chr(ord("A") + place_of),
                "expr": query,
                "legendFormat": legend or "__auto",
                "datasource": _SOURCE,
                "exemplar": "_bucket" in query,
            }
            for place_of, (query, legend) in enumerate(panel.queries)
        ],
    }
