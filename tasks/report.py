"""Report: a run's figures and its page, and the run made visible as a whole."""

from typing import Any

from tasks.compare import COMPARED, said_of
from tasks.verb import tell, verb
from warehouse.errors import WarehouseError
from warehouse.figures import curves_png
from warehouse.report import render_report
from warehouse.runs import Draft, draft_of, facts_of, finish, finished
from warehouse.snapshot import open_snapshot
from warehouse.store import Store, read_json, store_at, told_plainly, write_json
from warehouse.summary import summary_of


@verb
def report(run_id: str, command: str, store: str | None) -> dict[str, Any]:
    """Render a run's report and publish the run; return what is known of it."""
    where = store_at(store)
    with where.lock("runs", run_id, tell):
        if not finished(where, run_id):
            draft = draft_of(where, run_id)
            if not draft.has("judged"):
                message = f"run {run_id} has no whole draft in {draft.folder}; ask for it again"
                raise WarehouseError(message)
            with told_plainly(where.root):
                _render(where, draft, command)
            finish(where, draft)
    tell(f"report: {where.run(run_id) / 'report.html'}")
    return facts_of(where, run_id)


def _render(where: Store, draft: Draft, command: str) -> None:
    training = read_json(draft.folder / "training.json")
    config = training["config"]
    points, scores = draft.read("curve_points"), draft.read("scores")
    judged = read_json(draft.folder / "judged.json")
    run = {**training, **summary_of(points, scores, config["cutoffs"][0]), **judged, "command": command}
    if (draft.folder / COMPARED).is_file():
        run["beside_champion"] = _beside_champion(read_json(draft.folder / COMPARED))
    verdict = draft.folder / "verdict.json"
    snapshot = open_snapshot(where.dataset(training["dataset_id"]))
    page = render_report(
        run=run,
        config={"training": config, "dataset": snapshot.manifest["config"]},
        dataset=snapshot.manifest,
        points=points,
        steps=draft.read("steps"),
        norms=draft.read("norms"),
        scores=scores,
        command=command,
        verdict=read_json(verdict) if verdict.is_file() else None,
    )
    (draft.folder / "figures").mkdir(exist_ok=True)
    (draft.folder / "figures" / "curves.png").write_bytes(curves_png(points, ("loss", run["metric"])))
    (draft.folder / "report.html").write_text(page, encoding="utf-8")
    write_json(draft.folder / "run.json", run)


def _beside_champion(compared: dict[str, Any]) -> str:
    return f"{said_of(compared['champion'], promoted=compared['promoted'])}: {compared['reason']}"
