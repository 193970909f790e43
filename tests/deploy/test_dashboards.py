"""Grafana's dashboards, as far as they can be looked at without Grafana."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana import everything, french
from deploy.grafana.panels import COLUMNS
from deploy.prometheus.resource import groups
from tests.deploy import metrics
from tests.deploy.built import K8S, build

RECORDED = {r["record"] for group in groups() for r in group["rules"] if "record" in r}
FILES = sorted(everything.FOLDER.glob("*.json"))
Json = Mapping[str, Any]


def _read(file: Path) -> Json:
    found: Json = json.loads(file.read_text(encoding="utf-8"))
    return found


def _panels() -> Iterator[tuple[str, Json]]:
    for file in FILES:
        yield from ((file.stem, panel) for panel in _read(file)["panels"])


PANELS = [(name, panel) for name, panel in _panels() if panel["type"] != "row"]
EXPRESSIONS = [t["expr"] for _, p in PANELS for t in p["targets"] if "expr" in t]


def test_the_folder_has_a_file_for_each_dashboard_and_no_other() -> None:
    assert set(FILES) == everything.files().keys()


def test_dashboards_have_names_of_their_own_which_grafana_takes() -> None:
    uids = [_read(file)["uid"] for file in FILES]
    assert len(set(uids)) == len(uids)
    assert all(re.fullmatch(r"[a-z-]{8,40}", uid) for uid in uids)
    assert len({_read(file)["title"] for file in FILES}) == len(uids)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_have_numbers_of_their_own_and_a_query_letter_each(file: Path) -> None:
    panels = _read(file)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        letters = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(letters)) == len(letters)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_fill_the_width_and_lie_beside_one_another(file: Path) -> None:
    taken: dict[tuple[int, int], int] = {}
    for panel in _read(file)["panels"]:
        at = panel["gridPos"]
        cells = itertools.product(
            range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        )
        for cell in cells:
            assert cell not in taken, (panel["title"], cell)
            taken[cell] = panel["id"]
    lowest = max(y for _, y in taken)
    assert len(taken) == COLUMNS * (lowest + 1), "a row of panels is not 24 columns wide"


def test_every_panel_tells_what_it_says_and_in_which_unit() -> None:
    for name, panel in PANELS:
        assert panel["fieldConfig"]["defaults"]["unit"], (name, panel["title"])
        assert panel["description"].endswith("."), (name, panel["title"])
        assert len(panel["description"]) > 15, (name, panel["title"])
        assert panel["targets"], (name, panel["title"])


def test_no_panel_names_a_metric_that_does_not_exist() -> None:
    assert EXPRESSIONS
    for expression in EXPRESSIONS:
        assert metrics.named(expression)
        assert not metrics.named(expression) - metrics.names() - RECORDED, expression


def test_a_panel_of_a_service_asks_for_what_that_service_tells() -> None:
    told = metrics.told_by()
    asked = [pair for e in EXPRESSIONS for pair in re.findall(r'(\w+)\{service="(\w+)"', e)]
    assert asked
    for metric, service in asked:
        assert service in told.get(metric, (service,)), (metric, service)


def test_panels_of_latency_ask_for_exemplars() -> None:
    asked = {
        t["expr"] for _, p in PANELS for t in p["targets"] if t.get("exemplar") and "expr" in t
    }
    for seconds in ("turn_first_token", "turn_first_audio", "turn", "stage", "search"):
        assert any(f"palabre_{seconds}_seconds_bucket" in expression for expression in asked)


def test_links_lead_to_dashboards_that_exist() -> None:
    uids = {_read(file)["uid"] for file in FILES}
    for name, panel in PANELS:
        for link in panel.get("links", []):
            found = re.match(r"/d/([a-z-]+)\?", link["url"])
            assert link["url"].startswith("${operations}#") or (found and found[1] in uids), name


def test_links_to_what_to_do_lead_to_a_heading_of_the_page_for_operators() -> None:
    text = Path("docs/operations.md").read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    anchors = {
        link["url"].partition("#")[2]
        for _, panel in PANELS
        for link in panel.get("links", [])
        if "#" in link["url"]
    }
    assert anchors
    assert anchors <= headings


def test_variables_that_queries_use_are_there() -> None:
    builtin = {"__rate_interval", "__range"}
    for file in FILES:
        board = _read(file)
        there = {variable["name"] for variable in board["templating"]["list"]}
        queries = json.dumps([p.get("targets", []) for p in board["panels"]])
        used = set(re.findall(r"\$\{?(\w+)", queries))
        assert used <= there | builtin, file


def test_each_dashboard_is_a_configmap_that_grafana_finds_and_kubernetes_takes() -> None:
    """`kubectl apply` keeps a copy in an annotation, which may have 256 KiB."""
    listed = yaml.safe_load((everything.FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    maps = build(K8S / "overlays/production")
    for made in listed["configMapGenerator"]:
        found = maps.get("ConfigMap", made["name"])
        assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert len(json.dumps(found["data"])) < 200_000
    files = {name for made in listed["configMapGenerator"] for name in made["files"]}
    assert files == {file.name for file in FILES}


def test_the_name_of_a_metric_is_found_wherever_it_stands() -> None:
    query = 'sum by (le, up_to) (rate(a_total{b="c_d"}[5m])) / max(e:f) or 0 * on (g) h'
    assert metrics.named(query) == {"a_total", "e:f", "h"}


def test_the_french_dashboard_is_typeset_as_french_is_and_has_no_words_left_over() -> None:
    said = json.dumps(_read(everything.FOLDER / "palabre-people.json"), ensure_ascii=False)
    for english, translation in french.WORDS.items():
        assert json.dumps(english, ensure_ascii=False)[1:-1] in said, english
        assert not re.search(r"[^\u00a0\u202f][:;?!»](?!\w)|«[^\u00a0]|'", translation), translation
