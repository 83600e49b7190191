"""Arms here are exactly the commands that make their runs, and their ends are told."""

import shlex
import subprocess
import sys
from dataclasses import replace

import pytest

from flows.command_line import options_of, parsed
from flows.nightly import nightly
from models.config import Compute
from tasks.arms_here import ChildProcess, arms_here, command_of, environment, nightly_command
from tasks.plan import plan_arms
from tasks.tied import TIED
from tests.tasks.conftest import TINY
from warehouse.config import Sweep
from warehouse.store import Store

QUESTION = replace(TINY, study=Sweep(rates=(0.01,), seeds=2), store="/somewhere/a store")


@pytest.fixture
def plan():
    return plan_arms(QUESTION, "d")


def test_a_command_asks_for_its_run_and_where_it_goes(plan):
    run = list(plan.runs(plan.arms))[-1]
    command = command_of(QUESTION, run)
    assert command[:4] == [sys.executable, "-m", "flows", "nightly"]
    said = parsed("nightly", options_of(nightly.fn), command[4:])
    assert (said.source, said.size, said.dataset) == (QUESTION.source, "250k", QUESTION.dataset)
    assert said.training == run.training
    assert (said.training.optimizer.lr, said.training.seed) == (0.01, 1)
    assert (said.store, said.format) == ("/somewhere/a store", "json")
    assert not said.promotion.compete


@pytest.mark.parametrize(("threads", "expected"), [(None, 1), (3, 3)])
def test_an_arm_has_one_thread_unless_more_are_said(plan, threads, expected):
    question = replace(QUESTION, compute=Compute(threads=threads))
    said = parsed("nightly", options_of(nightly.fn), command_of(question, plan.base_runs()[0])[4:])
    assert said.compute.threads == expected


def test_the_command_for_others_names_neither_store_nor_threads(plan):
    words = shlex.split(nightly_command(QUESTION, plan.base_runs()[0]))
    assert words[:4] == ["python", "-m", "flows", "nightly"]
    assert not {"--store", "--compute.threads", "--format"} & set(words)


def test_children_have_one_thread_and_end_with_this_process():
    said = environment()
    assert (said["OMP_NUM_THREADS"], said[TIED]) == ("1", "1")


def child(tmp_path, code):
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=output, stderr=output)
    return ChildProcess(process, log)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('error: no disk'); print('and more'); exit(1)", "no disk (exit code 1; log: "),
        ("print('Traceback'); print('KeyError: 3'); exit(1)", "KeyError: 3 (exit code 1; log: "),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal SIGKILL (ended by signal SIGKILL; log: "),
        ("print('{}')", "made another run than was asked: data or code were changed meanwhile (log: "),
    ],
)
def test_the_last_words_are_the_error(tmp_path, code, said):
    one = child(tmp_path, code)
    one.process.wait(60)
    assert one.is_over()
    assert one.last_words() == f"{said}{tmp_path / 'log'})"


def test_a_deaf_child_is_ended_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.arms_here.GRACE_S", 0.1)
    deaf = "import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True)"
    one = child(tmp_path, f"{deaf}; threading.Event().wait()")
    while not one.log.read_bytes():
        assert not one.is_over()
    one.end()
    assert one.process.returncode == -9


def test_logs_stay_for_runs_that_are_missing(tmp_path, monkeypatch):
    plan = plan_arms(replace(QUESTION, store=str(tmp_path)), "d")
    store = Store(tmp_path)
    monkeypatch.setattr("tasks.arms_here.command_of", lambda *_: [sys.executable, "-c", "print('said')"])
    good, bad = plan.base_runs()
    with arms_here(plan) as start:
        for run in (good, bad):
            start(run).process.wait(60)
        store.run(good.run_id).mkdir(parents=True)
    left = [path.name for path in (store.root / "work" / "studies").rglob("*.log")]
    assert left == [f"{bad.run_id}.log"]
    store.run(bad.run_id).mkdir()
    with arms_here(plan) as start:
        start(good).process.wait(60)
    assert list((store.root / "work" / "studies").iterdir()) == []
