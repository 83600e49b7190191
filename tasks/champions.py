"""Champions: who they are and were, shown and put back."""

from pydantic import BaseModel, ConfigDict

from tasks.verb import tell, verb
from warehouse.champions import Entry, Standing, champion_of, roll_back, standings
from warehouse.store import store_at

_COLUMNS = ("when", "what", "run", "test", "why")


class Champions(BaseModel):
    """Every source's and size's champion, with all that was decided."""

    model_config = ConfigDict(frozen=True)

    store: str
    standings: tuple[Standing, ...]

    def __str__(self) -> str:
        """Return it for people: each champion, then its history, the newest first."""
        shown = [f"{headline(one)}\n{_lines(one)}" for one in self.standings]
        return "\n\n".join(shown) or f"no champion in {self.store} yet; the nightly flow makes one"


@verb
def show_champions(store: str | None) -> Champions:
    """Return who the champions are and were."""
    where = store_at(store)
    return Champions(store=str(where.root), standings=tuple(standings(where)))


@verb
def put_back(size: str, source: str | None, to: str | None, store: str | None) -> Champions:
    """Make an earlier champion the champion again."""
    where = store_at(store)
    after = roll_back(where, champion_of(where, source, size), to, tell)
    return Champions(store=str(where.root), standings=(after,))


def headline(standing: Standing) -> str:
    """Return who is the champion, in a line."""
    since = standing.since()
    said = f"run {since.run_id}, {since.metric} on test {_number(since)}, since {since.at}" if since else "none"
    return f"champion of {standing.source}, {standing.size}: {said}"


def history_page(standing: Standing, newest: int = 20) -> str:
    """Return the champion and the newest decisions as markdown."""
    rows = [f"| {' | '.join(cells)} |" for cells in _rows(standing)[:newest]]
    table = "\n".join([f"| {' | '.join(_COLUMNS)} |", "|---|---|---|---|---|", *rows])
    return f"# {headline(standing).capitalize()}\n\n{table}\n"


def _lines(standing: Standing) -> str:
    return "\n".join("  " + "  ".join(cells) for cells in _rows(standing))


def _rows(standing: Standing) -> list[tuple[str, ...]]:
    """Return the decisions, the newest first."""
    return [
        (one.at, f"{one.action:<11}", one.run_id, _number(one), " ".join(one.reason.split()))
        for one in reversed(standing.history)
    ]


def _number(entry: Entry) -> str:
    return "none  " if entry.test_hr is None else f"{entry.test_hr:.4f}"
