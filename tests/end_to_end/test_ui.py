"""The Prefect UI as a person uses it: run, see the curves, be told what a bad value is. In headless Chromium."""

import functools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.end_to_end.serving import TINY, Served, wait_for

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 600_000
"""For a whole run on a busy machine; each wait ends as soon as what it waits for is there."""

pytestmark = [
    pytest.mark.server,
    pytest.mark.browser,
    pytest.mark.xdist_group("server"),
    pytest.mark.skipif(BROWSER is None, reason=f"no browser: none of {', '.join(BROWSERS)} is on the PATH"),
]


@pytest.fixture(scope="module")
def tiny(served: Served) -> str:
    """Deploy the same flow with defaults that take seconds; give the address of its page."""
    deployment = {
        "name": "tiny",
        "entrypoint": "flows.nightly:nightly",
        "parameters": {"size": "250k", **TINY},
        "work_pool": {"name": "sawtooth"},
    }
    project = served.folder / "tiny.yaml"
    project.write_text(json.dumps({"pull": [], "deployments": [deployment]}))  # JSON is YAML
    deployed = served.prefect("deploy", "--all", "--prefect-file", str(project))
    assert deployed.returncode == 0, deployed.stdout
    stored = served.api("GET", "/deployments/name/nightly/tiny")
    return f"{served.url}/deployments/deployment/{stored['id']}"


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.set_default_timeout(120_000)
        expect.set_options(timeout=60_000)
        yield page
        browser.close()


@pytest.fixture
def keep(page: Page, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], None]:
    """Give a function that keeps a screenshot under SAWTOOTH_SCREENSHOTS, or else with the test's other files."""
    folder = Path(os.environ.get("SAWTOOTH_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def keep(name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return keep


def test_a_quick_run_completes_and_shows_its_curves_and_report(
    served: Served, tiny: str, page: Page, keep: Callable[[str], None]
) -> None:
    page.goto(tiny)
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Quick run").click()
    # The toast that offers "View run" comes and goes; its name of the run is enough.
    name = page.locator(".toast-flow-run-create__message--emphasized").first.inner_text()
    run = expect_completed(served, page, name)
    graph = page.locator(".flow-run-graph")
    expect(graph.locator("canvas").first).to_be_visible()
    expect(graph).not_to_have_class(re.compile("no-nodes"))
    drawn = served.api("GET", f"/flow_runs/{run['id']}/graph-v2")["nodes"]
    assert [node["label"].rpartition("-")[0] for _, node in drawn][:3] == ["ingest", "build dataset", "train"]
    keep("quick-run")

    open_newest(page, f"{served.url}/artifacts/key/curves-250k")
    curves = page.locator("img[src^='data:image/png']").first
    expect(curves).to_be_visible()
    keep("curves")
    assert curves.evaluate("image => image.complete && image.naturalWidth") > 300

    open_newest(page, f"{served.url}/artifacts/key/report-250k")
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.get_by_role("link", name="Open the report").evaluate("link => link.removeAttribute('target')")
    page.get_by_role("link", name="Open the report").click()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert page.url.startswith(f"{served.reports_url}/runs/")
    keep("report")
    assert not [text for text in errors if "Content Security Policy" in text]


def test_a_custom_run_says_what_is_out_of_bounds_and_then_runs(
    served: Served, tiny: str, page: Page, keep: Callable[[str], None]
) -> None:
    page.goto(f"{tiny}/run")
    batch_size = entry(page, "Batch Size")
    expect(batch_size).to_be_visible()
    keep("custom-run-form")
    batch_size.fill("0")
    page.get_by_role("button", name="Submit").click()
    toast = page.get_by_text("Validation failed for field 'training.batch_size'. Failure reason: 0 is less than").first
    expect(toast).to_be_in_viewport(ratio=1)
    keep("custom-run-out-of-bounds")

    batch_size.fill("32")
    entry(page, "Run Name").fill("asked-by-hand")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(lambda address: not address.endswith("/run"))
    run = expect_completed(served, page, "asked-by-hand")
    assert run["parameters"]["training"]["batch_size"] == 32
    keep("custom-run")


def test_a_long_run_shows_its_progress_is_cancelled_and_run_again(
    served: Served, tiny: str, page: Page, keep: Callable[[str], None]
) -> None:
    long = {**TINY, "training": {**TINY["training"], "epochs": 10_000}}
    asked = {"name": "long", "parameters": long, "state": {"type": "SCHEDULED"}}
    run = served.api("POST", f"/deployments/{tiny.rpartition('/')[2]}/create_flow_run", asked)
    shown = functools.partial(expect_state, served, page, run["id"])
    shown("Running")
    wait_for(lambda: served.api("POST", "/artifacts/count", artifacts_of(run["id"])), "progress")
    open_newest(page, f"{served.url}/artifacts/key/training-250k")
    expect(page.get_by_text(re.compile(r"Progress: \d+%")).first).to_be_visible()
    keep("progress")

    shown("Running")
    page.get_by_role("button", name="Cancel").click()
    keep("cancel")
    page.get_by_role("button", name="Confirm").click()
    shown("Cancelled")
    keep("cancelled")

    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("This will retry flow run long")).to_be_visible()
    keep("retry")
    page.get_by_role("button", name="Retry").last.click()
    shown("Running")
    assert served.api("GET", f"/flow_runs/{run['id']}")["run_count"] == 2
    keep("running-again")
    served.api("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLING"}})
    wait_for(lambda: served.api("GET", f"/flow_runs/{run['id']}")["state_type"] == "CANCELLED", "end of the run")


def test_every_deployment_has_a_form(served: Served, page: Page, keep: Callable[[str], None]) -> None:
    deployments = served.api("POST", "/deployments/filter", {})
    assert len(deployments) >= 8
    for each in deployments:
        page.goto(f"{served.url}/deployments/deployment/{each['id']}/run")
        expect(page.get_by_role("button", name="Submit")).to_be_visible()
        first = min(each["parameter_openapi_schema"]["properties"].values(), key=lambda field: field["position"])
        expect(page.get_by_text(first["title"]).first).to_be_visible()
        keep(f"form-{each['name']}")


def artifacts_of(run: str) -> dict[str, Any]:
    """Return a filter for a run's progress."""
    return {"artifacts": {"flow_run_id": {"any_": [run]}, "key": {"any_": ["training-250k"]}}}


def expect_state(served: Served, page: Page, run: str, state: str) -> None:
    """Open the page of a run and wait until it says so by itself."""
    page.goto(f"{served.url}/runs/flow-run/{run}")
    expect(page.get_by_text(re.compile(f"^{state}$")).first).to_be_visible(timeout=PATIENCE_MS)


def entry(page: Page, title: str) -> Locator:
    """Return the input of a field of the form, by the field's title."""
    return page.get_by_text(title).locator("xpath=ancestor::*[.//input][1]").locator("input").first


def open_newest(page: Page, address: str) -> None:
    """Open the newest artifact of a key from the list of its history."""
    page.goto(address)
    page.locator("a[href*='/artifacts/artifact/']").first.click()


def expect_completed(served: Served, page: Page, name: str) -> dict[str, Any]:
    """Open the page of a run and wait until it says Completed by itself; return the run."""
    found = {"flow_runs": {"name": {"any_": [name]}}}
    [run] = wait_for(lambda: served.api("POST", "/flow_runs/filter", found), f"run {name}")
    page.goto(f"{served.url}/runs/flow-run/{run['id']}")
    ended = page.get_by_text(re.compile("^(Completed|Failed|Crashed|Cancelled)$")).first
    expect(ended).to_be_visible(timeout=PATIENCE_MS)
    expect(ended).to_have_text("Completed")
    return dict(run)
