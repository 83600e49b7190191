import inspect
import shlex

from hypothesis import given
from hypothesis import strategies as st

from flows.command_line import options_of, parsed
from flows.nightly import nightly
from models.config import Duration, Model, Optimizer, Training
from tasks.reproduce import command_for
from warehouse.config import Dataset, Filter, Source, Split


def test_defaults_need_no_options():
    assert command_for("nightly", {"source": Source(), "size": "250k"}) == "python -m flows nightly --size 250k"


def test_only_what_differs_is_said():
    training = Training(epochs=2, model=Model(layer_norm=True))
    said = command_for("nightly", {"training": training})
    assert said == "python -m flows nightly --training.model.layer_norm true --training.epochs 2"


settings = st.fixed_dictionaries(
    {
        "source": st.builds(
            Source,
            preset=st.sampled_from(["custom", "movielens_1m"]),
            path=st.text(st.characters(exclude_categories=["C"]), min_size=1).map(lambda text: "logs/" + text),
            header=st.booleans(),
            filters=st.lists(
                st.builds(
                    Filter,
                    column=st.text("ab 'é\"", min_size=1),
                    operator=st.sampled_from(["=", "present"]),
                    value=st.text("xy' "),
                ),
                max_size=2,
            ).map(tuple),
        ),
        "dataset": st.builds(
            Dataset,
            min_item_count=st.none() | st.integers(1, 9),
            allow_fewer=st.booleans(),
            split=st.just(Split(train_until="2011-10-01", validation_until="2011-11-01")),
        ),
        "training": st.builds(
            Training,
            optimizer=st.builds(Optimizer, lr=st.floats(1e-6, 1)),
            evaluate_every=st.builds(Duration, value=st.integers(1, 9), unit=st.sampled_from(["steps", "samples"])),
            cutoffs=st.sampled_from([(10,), (5, 20)]),
            max_steps=st.none() | st.integers(1, 5),
        ),
    }
)


@given(settings)
def test_the_command_asks_the_same_again(asked):
    words = shlex.split(command_for("nightly", asked))[4:]
    said = parsed("nightly", options_of(nightly.fn), words)
    assert {name: getattr(said, name) for name in asked} == asked


def test_every_parameter_of_the_flow_can_be_said():
    assert set(inspect.signature(nightly.fn).parameters) < set(options_of(nightly.fn).model_fields)
