"""Every view answers, over nothing and over a store, and nothing else can be done with it."""

from typing import Any

import pytest

from tests.warehouse import study_cases as cases
from warehouse.champions import Entry, record, standing_of
from warehouse.errors import WarehouseError
from warehouse.runs import SCHEMAS, draft_of, finish
from warehouse.snapshot import open_snapshot
from warehouse.store import write_json
from warehouse.studies import publish_study
from warehouse.views import VIEWS, answered


def ask(house: Any, query: str) -> list[Any]:
    with answered(house.store, query) as connection:
        return connection.fetchall()


@pytest.fixture(scope="module")
def full(new_house: Any, small_rows: Any) -> Any:
    """Return a store with two sources, two datasets and two runs."""
    house = new_house()
    ingested = house.ingest_rows(small_rows)
    house.datasets = [house.build(ingested, seed=seed, train_windows=100) for seed in (0, 1)]
    house.write("other.csv", "user,item,at\nv,j,100\nshort\nv,,5\n")
    house.ingest("other.csv", name="other", time_kind="epoch_s")
    for number in (1, 2):
        draft = draft_of(house.store, f"r{number}", anew=True)
        facts = {"run_id": f"r{number}", "seed": number, "status": "finished", "config": {"lr": 0.1}, "wall_s": 1.5}
        facts |= {"judged_at": "2026-03-01"}
        write_json(draft.folder / "run.json", {**facts, "of no column": 1})
        for table, schema in SCHEMAS.items():
            row = dict.fromkeys(schema) | {next(iter(schema)): "gru" if table == "scores" else number}
            draft.write(table, [row] * number)
        if number == 1:
            write_json(draft.folder / "verdict.json", {**cases.verdict(), "leading": None})
        finish(house.store, draft)
    publish_study(house.store, cases.facts(), cases.verdict(), "page", {})
    for run_id, action in (("r1", "promoted"), ("r2", "kept out")):
        entry = Entry(at="2026-03-01", action=action, run_id=run_id, champion="r1", dataset_id="d", metric="hr@10",
                      test_hr=0.3, reason="why")  # fmt: skip
        record(house.store, standing_of(house.store, "custom", "250k"), entry)
    return house


@pytest.mark.parametrize("view", VIEWS)
def test_views_have_the_same_columns_empty_and_full(house: Any, full: Any, view: str) -> None:
    assert ask(house, f"SELECT * FROM {view}") == []
    assert not house.store.root.exists()
    with answered(house.store, f"SELECT * FROM {view}") as empty:
        described = [(column[0], str(column[1])) for column in empty.description]
    with answered(full.store, f"SELECT * FROM {view}") as connection:
        names = [column[0] for column in connection.description]
        assert connection.fetchall()
    assert names == [name for name, _ in described]


def test_counts(full: Any, small_rows: Any) -> None:
    assert ask(full, "SELECT source, count(*) FROM events GROUP BY 1 ORDER BY 1") == [("custom", 480), ("other", 1)]
    assert sorted(ask(full, "SELECT user, item, moment FROM events WHERE source = 'custom'")) == sorted(small_rows)
    assert ask(full, "SELECT time::VARCHAR, moment FROM events WHERE source = 'other'") == [
        ("1970-01-01 00:01:40", 100_000_000)
    ]
    assert ask(full, "SELECT DISTINCT time FROM events WHERE source = 'custom'") == [(None,)]
    assert ask(full, "SELECT reason, place, number FROM quarantine ORDER BY 1") == [
        ("malformed line", "line", 3),
        ("missing item", "row", 2),
    ]
    for table in SCHEMAS:
        assert ask(full, f"SELECT run_id, count(*) FROM {table} GROUP BY 1 ORDER BY 1") == [("r1", 1), ("r2", 2)]


def test_histories_are_those_of_the_snapshot(full: Any) -> None:
    for built in full.datasets:
        query = f"SELECT split, user, moment, target, history FROM windows WHERE dataset_id = '{built.dataset_id}'"
        found: dict[str, list[Any]] = {"train": [], "validation": [], "test": []}
        for split, user, moment, target, history in ask(full, query):
            found[split].append((user, moment, target, tuple(history)))
        assert {split: sorted(rows, key=repr) for split, rows in found.items()} == full.windows(built)


def test_facts_of_datasets_and_runs(full: Any) -> None:
    rows = ask(full, "SELECT dataset_id, source, train, items, t1, hash, config->>'$.seed' FROM datasets ORDER BY 7")
    for row, built in zip(rows, full.datasets, strict=True):
        manifest = open_snapshot(full.store.dataset(built.dataset_id)).manifest
        assert row == (built.dataset_id, "custom", 100, manifest["counts"]["items"], manifest["cuts"]["t1"],
                       manifest["hash"], str(manifest["config"]["seed"]))  # fmt: skip
    assert ask(full, "SELECT run_id, seed, status, wall_s, config, test_hr FROM runs ORDER BY 1 LIMIT 1") == [
        ("r1", 1, "finished", 1.5, '{"lr": 0.1}', None)
    ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM runs JOIN curve_points USING (run_id)",
        "SELECT * FROM datasets JOIN windows USING (dataset_id)",
        "SELECT count(*) FROM Events e JOIN QUARANTINE q USING (source)",
        'SELECT * FROM "steps"',
        "FROM runs",
        "SELECT * FROM main.runs",
        "WITH one AS (SELECT * FROM norms) SELECT * FROM one",
        "SELECT (SELECT count(*) FROM scores)",
        "DESCRIBE runs",
        "SELECT 1 -- ; DROP TABLE events",
        "SELECT ';'",
        "SELECT * FROM query('SELECT * FROM runs')",
    ],
)
def test_what_one_select_can_say(house: Any, full: Any, query: str) -> None:
    """JOIN ... USING was refused over every view, and a view in capitals was not found."""
    ask(house, query)
    ask(full, query)


@pytest.mark.parametrize(
    "query",
    [
        "",
        ";",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY (SELECT 1) TO 'STORE/x.csv'",
        "CREATE TABLE a AS SELECT 1",
        "INSERT INTO runs VALUES (1)",
        "DELETE FROM events",
        "UPDATE runs SET seed = 1",
        "DROP VIEW events",
        "COPY (SELECT 1) TO 'STORE/x.csv'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'STORE/x.csv'",
        "EXPLAIN ANALYZE CREATE TABLE a AS SELECT 1",
        "EXPORT DATABASE 'STORE/x'",
        "ATTACH 'STORE/x.duckdb'",
        "ATTACH ':memory:' AS a",
        "SET threads = 1",
        "RESET memory_limit",
        "PRAGMA enable_profiling",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CALL pragma_version()",
        "PREPARE a AS SELECT 1",
        "USE memory",
        "BEGIN",
        "CHECKPOINT",
        "VACUUM",
    ],
)
def test_nothing_but_one_select(full: Any, query: str) -> None:
    before = full.tree()
    with pytest.raises(WarehouseError, match=r"give one SELECT over events, .*; the store is read-only here"):
        ask(full, query.replace("STORE", str(full.store.root)))
    assert full.tree() == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('OUTSIDE')",
        "SELECT * FROM read_blob('OUTSIDE')",
        "SELECT * FROM read_csv('OUTSIDE')",
        "SELECT * FROM 'OUTSIDE'",
        "SELECT * FROM glob('FOLDER/*')",
        "SELECT * FROM read_text('STORE/../log.csv')",
        "SELECT * FROM read_text('STORE/../../*/log.csv')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_parquet('https://example.org/a.parquet')",
        "SELECT * FROM query('SELECT * FROM read_text(''OUTSIDE'')')",
        "SELECT * FROM store",
        "SELECT * FROM nothing",
        "SELECT nothing FROM runs",
        "SELECT ?",
        "SELECT 1 +",
        "SELECT 'a'::INTEGER",
        "SELECT error('stop')",
    ],
)
def test_what_duckdb_refuses_is_one_line(full: Any, query: str) -> None:
    for word, path in (("STORE", full.store.root), ("OUTSIDE", full.folder / "log.csv"), ("FOLDER", full.folder)):
        query = query.replace(word, str(path))
    with pytest.raises(WarehouseError, match=r"^query: \S") as caught:
        ask(full, query)
    assert "\n" not in str(caught.value)


def test_settings_are_locked(full: Any) -> None:
    found = ask(full, "SELECT name, value FROM duckdb_settings() WHERE name IN ('lock_configuration',"
                      " 'enable_external_access') ORDER BY 1")  # fmt: skip
    assert found == [("enable_external_access", "false"), ("lock_configuration", "true")]


def test_what_is_unfinished_is_not_seen(house: Any, small_rows: Any) -> None:
    house.ingest_rows(small_rows)
    draft = draft_of(house.store, "r1", anew=True)
    write_json(draft.folder / "run.json", {"run_id": "r1"})
    draft.write("steps", [])
    (house.store.root / "runs" / "half").mkdir(parents=True)
    (house.store.root / "datasets" / "half").mkdir(parents=True)
    for view in ("runs", "steps", "datasets", "windows"):
        assert ask(house, f"SELECT * FROM {view}") == []


@pytest.mark.parametrize(
    ("view", "name", "content"),
    [
        ("windows", "train_ends.npy", b"\x93NUMPY"),
        ("windows", "items.npy", b""),
        ("windows", "users.parquet", b"PAR1"),
        ("windows", "times.npy", None),
        ("datasets", "manifest.json", b"{}"),
        ("datasets", "manifest.json", b"{"),
        ("windows", "manifest.json", b"{}"),
    ],
)
def test_a_damaged_dataset_is_named(house: Any, small_rows: Any, view: str, name: str, content: bytes | None) -> None:
    built = house.build(house.ingest_rows(small_rows))
    path = house.store.dataset(built.dataset_id) / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(WarehouseError, match=rf"{built.dataset_id}.* is damaged"):
        ask(house, f"SELECT * FROM {view}")
    assert ask(house, "SELECT count(*) FROM events") == [(480,)]


def test_a_store_in_a_folder_with_any_name(new_house: Any, small_rows: Any) -> None:
    house = new_house()
    house.folder /= "it's [1] a*b? ü"
    built = house.build(house.ingest_rows(small_rows))
    assert ask(house, "SELECT count(*) FROM events") == [(480,)]
    assert ask(house, "SELECT count(*) FROM quarantine") == [(0,)]
    assert ask(house, "SELECT count(*) FROM windows WHERE split = 'test'") == [
        (built.manifest["counts"]["windows"]["test"],)
    ]


def test_verdicts_are_of_runs_and_studies(full: Any) -> None:
    columns = "subject, id, hypothesis, support, is_issue, advice, created"
    assert ask(full, f"SELECT {columns} FROM verdicts ORDER BY subject") == [
        ("run", "r1", None, None, "no", "Read the probe.", "2026-03-01"),
        ("study", cases.STUDY_ID, "H1", 0.83, "no", "Read the probe.", "2026-03-01T02:00:00+00:00"),
    ]


def test_the_champion_is_the_current_decision(full: Any) -> None:
    query = "SELECT source, size, run_id, action, champion FROM champions WHERE is_current"
    assert ask(full, query) == [("custom", "250k", "r1", "promoted", "r1")]
    assert ask(full, "SELECT count(*) FROM champions JOIN runs USING (run_id)") == [(2,)]


def test_a_study_counts_its_arms_and_runs(full: Any) -> None:
    columns = "study_id, kind, source, hypothesis, is_issue, arms, runs, config->>'$.training.optimizer.lr'"
    assert ask(full, f"SELECT {columns} FROM studies") == [
        (cases.STUDY_ID, "diagnose", "shop <b>", "H1", "no", 3, 4, "0.003")
    ]


def test_arms_join_with_their_runs(full: Any) -> None:
    query = (
        "SELECT name, unnest(run_ids) AS run_id FROM study_arms JOIN studies USING (study_id) ORDER BY place, run_id"
    )
    assert ask(full, query)[:3] == [("base", "base-0"), ("base", "base-1"), ("fixed-order", "fixed-order-0")]


@pytest.mark.parametrize(("view", "name"), [("verdicts", "verdict.json"), ("studies", "study.json")])
def test_an_altered_conclusion_is_refused_by_name(house: Any, view: str, name: str) -> None:
    folder = publish_study(house.store, cases.facts(), cases.verdict(), "page", {})
    write_json(folder / name, {**cases.verdict(), **cases.facts(), "is_issue": "yes"})
    with pytest.raises(WarehouseError, match=f"{name} was altered"):
        ask(house, f"SELECT * FROM {view}")
