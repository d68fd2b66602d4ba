"""Logs a run, a registered model with an alias, a logged model, and an unfinished run on a tracking server.

Usage: mlflow_runs.py URL
"""

import json
import pathlib
import sys

import mlflow
from mlflow import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
experiment = client.create_experiment("net")
run = client.create_run(experiment, run_name="Wistful ant 659").info.run_id
for name, value in [("epochs", "10"), ("api_key", "s3cret")]:
    client.log_param(run, name, value)
for step, value in enumerate([0.5, 0.95]):
    client.log_metric(run, "accuracy", value, step=step)
client.set_tag(run, "team", "blue")
folder = pathlib.Path("model")
(folder / "data & more").mkdir(parents=True)
(folder / "MLmodel").write_text(f"flavors:\n  python_function: {{}}\n  sklearn: {{}}\nrun_id: {run}\n")
(folder / "model.pkl").write_bytes(b"weights\n")
(folder / "data & more" / "größe.csv").write_text("a,b\n")
(folder / "data & more" / "empty").write_text("")
client.log_artifacts(run, str(folder), "model")
client.log_text(run, "# Report\n", "report.md")
client.set_terminated(run)
client.create_registered_model("ant net")
version = client.create_model_version("ant net", f"runs:/{run}/model", run)
client.set_registered_model_alias("ant net", "champion", version.version)
logged = client.create_logged_model(experiment, name="classifier", source_run_id=run)
client.log_model_artifacts(logged.model_id, str(folder))
client.finalize_logged_model(logged.model_id, "READY")
running = client.create_run(experiment).info.run_id
print(json.dumps({"experiment": experiment, "run": run, "logged": logged.model_id, "running": running}))
