"""Champions as the shell shows them."""

import json

from flows.command_line import main
from warehouse.store import Store
from warehouse.views import answered


def test_a_night_makes_the_champion_and_says_so(tiny_night, capsys):
    night = tiny_night.night
    assert (night["champion"], night["promoted"]) == (night["run_id"], True)
    assert night["promotion_reason"] == "it is the first of its source and size"
    assert main(["champions", "--store", str(tiny_night.store)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"champion of {night['source']}, 250k: run {night['run_id']}, hr@10 on test ")
    assert main(["champions", "--store", str(tiny_night.store), "--format", "json"]) == 0
    (standing,) = json.loads(capsys.readouterr().out)["standings"]
    assert (standing["run_id"], len(standing["history"])) == (night["run_id"], 1)


def test_sql_joins_the_champion_with_its_run(tiny_night):
    query = "SELECT run_id, runs.test_hr = champions.test_hr FROM champions JOIN runs USING (run_id) WHERE is_current"
    with answered(Store(tiny_night.store), query) as connection:
        assert connection.fetchall() == [(tiny_night.night["run_id"], True)]


def test_an_empty_store_has_none(tmp_path, capsys):
    assert main(["champions", "--store", str(tmp_path)]) == 0
    assert "no champion in" in capsys.readouterr().out
