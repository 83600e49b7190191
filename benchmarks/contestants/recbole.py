"""RecBole's GRU4Rec by its own trainer, in an environment of its own: FOLDER ANOMALY_MODE (shipped or off).

Its network is not quite the others': a GRU without biases, and the item embedding as output layer behind a projection
to 64, which halves the products of the output layer. It starts from weights of its own, in an order of its own.
"""

import sys
import time
from itertools import islice
from pathlib import Path

import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.sequential_recommender import GRU4Rec
from recbole.trainer import Trainer
from torch.nn.functional import cross_entropy

from contestants.result import BATCH, LR, WARM_STEPS, rate, tell

folder, anomaly_mode = sys.argv[1:]
sys.argv = sys.argv[:1]  # RecBole reads it
# One of its models turns autograd's anomaly mode on when it is imported, and all of them are: slower, and no different.
if anomaly_mode == "off":
    torch.autograd.set_detect_anomaly(False)
settings = {
    "data_path": folder, "benchmark_filename": ["train", "validation", "validation"], "USER_ID_FIELD": "user_id",
    "load_col": {"inter": ["user_id", "item_id_list", "item_id"], "item": ["item_id"]}, "MAX_ITEM_LIST_LENGTH": 10,
    "alias_of_item_id": ["item_id_list"], "embedding_size": 64, "hidden_size": 128, "num_layers": 1, "dropout_prob": 0,
    "loss_type": "CE", "train_neg_sample_args": None, "epochs": 1, "train_batch_size": BATCH, "learning_rate": LR,
    "metrics": ["Hit"], "topk": [10], "valid_metric": "Hit@10", "use_gpu": False, "show_progress": False,
    "checkpoint_dir": str(Path(folder) / "saved"), "state": "ERROR",
}  # fmt: skip
config = Config(model="GRU4Rec", dataset="atomic", config_dict=settings)
dataset = create_dataset(config)
train_data, validation_data, _ = data_preparation(config, dataset)
model = GRU4Rec(config, dataset)
trainer = Trainer(config, model)
for batch in islice(train_data, WARM_STEPS):
    model.calculate_loss(batch).backward()
started = time.perf_counter()
trainer._train_epoch(train_data, 0)
speed = len(train_data.dataset) / (time.perf_counter() - started)
hr = trainer.evaluate(validation_data, load_best_model=False)["hit@10"]
n_windows, loss = len(validation_data.dataset), 0.0
evaluated = rate(n_windows, lambda: trainer.evaluate(validation_data, load_best_model=False))
with torch.no_grad():
    for batch, _, _, target in validation_data:
        loss += float(cross_entropy(model.full_sort_predict(batch), target, reduction="sum"))
tell(speed, evaluated, loss / n_windows, hr)
