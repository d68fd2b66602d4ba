"""Makes model folders with the libraries that define them, and loads such folders again.

Usage: model_folders.py make KIND FOLDER | load KIND FOLDER. Prints the prediction of the model as JSON.
"""

import json
import sys
from pathlib import Path

import numpy

NUMBERS = numpy.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0], [3.0, 4.0], [6.0, 7.0], [8.0, 1.0]], dtype=numpy.float32)
LABELS = numpy.array([0, 0, 0, 1, 1, 1])


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def save_tensors(path, tensors):
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


def load_tensors(path):
    from safetensors.numpy import load_file

    return {name: tensor.tolist() for name, tensor in load_file(path).items()}


def make_sentence_transformers(folder):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "hello": 1, "world": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    save_tensors(folder / "model.safetensors", {"embeddings": numpy.arange(12, dtype=numpy.float32).reshape(3, 4)})
    save_tensors(folder / "2_Dense" / "model.safetensors", {"linear.weight": numpy.eye(4, dtype=numpy.float32) * 2})
    kind = "sentence_transformers.models."
    paths = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")]
    modules = [{"idx": i, "name": str(i), "path": p, "type": kind + t} for i, (p, t) in enumerate(paths)]
    write(folder / "modules.json", json.dumps(modules))
    write(folder / "config.json", json.dumps({"model_type": "bert", "hidden_size": 4}))
    write(folder / "1_Pooling" / "config.json", json.dumps({"pooling_mode_mean_tokens": True}))
    write(folder / "2_Dense" / "config.json", json.dumps({"in_features": 4, "out_features": 4}))
    write(folder / "README.md", "# Tiny\n")


def load_sentence_transformers(folder):
    """Follows modules.json as sentence-transformers does, without its dependency on torch."""
    from tokenizers import Tokenizer

    values = None
    for module in json.loads((folder / "modules.json").read_text()):
        place, kind = folder / module["path"], module["type"].rsplit(".", 1)[1]
        config = json.loads((place / "config.json").read_text())
        if kind == "Transformer":
            ids = Tokenizer.from_file(str(place / "tokenizer.json")).encode("hello world").ids
            values = numpy.array(load_tensors(place / "model.safetensors")["embeddings"])[ids]
        elif kind == "Pooling":
            assert config["pooling_mode_mean_tokens"]
            values = values.mean(axis=0)
        else:
            values = values @ numpy.array(load_tensors(place / "model.safetensors")["linear.weight"])
    return values.tolist()


COMPONENTS = {
    "scheduler": ("diffusers", "EulerDiscreteScheduler", "scheduler_config.json", None),
    "text_encoder": ("transformers", "CLIPTextModel", "config.json", "model.safetensors"),
    "tokenizer": ("transformers", "CLIPTokenizer", "tokenizer_config.json", None),
    "unet": ("diffusers", "UNet2DConditionModel", "config.json", "diffusion_pytorch_model.safetensors"),
    "vae": ("diffusers", "AutoencoderKL", "config.json", "diffusion_pytorch_model.safetensors"),
}


def make_diffusers(folder):
    index = {"_class_name": "StableDiffusionPipeline", "safety_checker": [None, None]}
    for number, (name, (library, cls, config, weights)) in enumerate(COMPONENTS.items()):
        index[name] = [library, cls]
        write(folder / name / config, json.dumps({"_class_name": cls}))
        if weights:
            save_tensors(folder / name / weights, {"weight": numpy.full(4, number, dtype=numpy.float32)})
    write(folder / "tokenizer" / "vocab.json", '{"a": 0}')
    write(folder / "tokenizer" / "merges.txt", "#version: 0.2\n")
    write(folder / "model_index.json", json.dumps(index))


def load_diffusers(folder):
    index, loaded = json.loads((folder / "model_index.json").read_text()), {}
    for name, value in index.items():
        if not name.startswith("_") and value[0]:
            _, _, config, weights = COMPONENTS[name]
            assert json.loads((folder / name / config).read_text())["_class_name"] == value[1]
            loaded[name] = load_tensors(folder / name / weights)["weight"] if weights else None
    assert json.loads((folder / "tokenizer" / "vocab.json").read_text()) == {"a": 0}
    assert (folder / "tokenizer" / "merges.txt").read_text().startswith("#version")
    return loaded


def make_peft(folder):
    save_tensors(folder / "adapter_model.safetensors", {"lora_A.weight": numpy.ones((1, 2), dtype=numpy.float32)})
    write(folder / "adapter_config.json", json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base"}))
    save_tensors(folder / "fr" / "adapter_model.safetensors", {"lora_A.weight": numpy.zeros((1, 2), numpy.float32)})
    write(folder / "fr" / "adapter_config.json", json.dumps({"peft_type": "LORA"}))
    write(folder / "fr" / "README.md", "# French\n")


def load_peft(folder):
    loaded = []
    for place in (folder, folder / "fr"):
        assert json.loads((place / "adapter_config.json").read_text())["peft_type"] == "LORA"
        loaded.append(load_tensors(place / "adapter_model.safetensors"))
    return loaded


def make_sklearn(folder):
    import joblib
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(NUMBERS)
    model = LogisticRegression().fit(scaler.transform(NUMBERS), LABELS)
    joblib.dump(scaler, folder / "scaler.joblib")
    joblib.dump(model, folder / "model.joblib")
    write(folder / "train.csv", "a,b\n1,2\n")


def load_sklearn(folder):
    import joblib

    scaler, model = joblib.load(folder / "scaler.joblib"), joblib.load(folder / "model.joblib")
    return model.predict(scaler.transform(NUMBERS)).tolist()


def make_onnx(folder):
    """A model with a large tensor in a file of its own and small ones in files that are named after them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnx.external_data_helper import convert_model_to_external_data

    weights = {"weight": numpy.eye(2, dtype=numpy.float32) * 3, "onnx__Add_7": numpy.ones(2, dtype=numpy.float32)}
    tensors = [numpy_helper.from_array(tensor, name) for name, tensor in weights.items()]
    nodes = [helper.make_node("MatMul", ["x", "weight"], ["y"]), helper.make_node("Add", ["y", "onnx__Add_7"], ["z"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in ("x", "z")]
    graph = helper.make_graph(nodes, "tiny", ends[:1], ends[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    convert_model_to_external_data(model, all_tensors_to_one_file=False, size_threshold=0)
    onnx.save(model, folder / "model.onnx")
    (folder / "onnx").mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.load_external_data_for_model(model, str(folder))
    convert_model_to_external_data(model, all_tensors_to_one_file=True, location="model.onnx_data", size_threshold=0)
    onnx.save(model, folder / "onnx" / "model.onnx")


def load_onnx(folder):
    from onnxruntime import InferenceSession

    paths = (folder / "model.onnx", folder / "onnx" / "model.onnx")
    return [InferenceSession(path).run(None, {"x": NUMBERS})[0].tolist() for path in paths]


def make_xgboost(folder):
    import xgboost

    model = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(NUMBERS, LABELS), 2)
    model.save_model(folder / "model.json")


def load_xgboost(folder):
    import xgboost

    model = xgboost.Booster(model_file=folder / "model.json")
    return model.predict(xgboost.DMatrix(NUMBERS)).tolist()


def make_lightgbm(folder):
    import lightgbm

    options = {"objective": "binary", "min_data_in_leaf": 1, "verbose": -1}
    lightgbm.train(options, lightgbm.Dataset(NUMBERS, LABELS), 2).save_model(folder / "model.txt")


def load_lightgbm(folder):
    import lightgbm

    return lightgbm.Booster(model_file=folder / "model.txt").predict(NUMBERS).tolist()


def make_gguf(folder):
    """Two variants of a model, and a projector whose name sorts first."""
    from gguf import GGUFWriter

    for name, values in (("net-Q4_0", 1.0), ("net-Q8_0", 2.0), ("mmproj-net", 3.0)):
        writer = GGUFWriter(folder / f"{name}.gguf", "clip" if name.startswith("mmproj") else "llama")
        writer.add_context_length(64)
        writer.add_tensor("token_embd.weight", numpy.full((2, 2), values, dtype=numpy.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def load_gguf(folder):
    from gguf import GGUFReader

    paths = sorted(folder.glob("*.gguf"))
    return [[path.name, GGUFReader(path).tensors[0].data.tolist()] for path in paths]


def main():
    verb, kind, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if verb == "make":
        folder.mkdir(parents=True, exist_ok=True)
        globals()[f"make_{kind}"](folder)
    print(json.dumps(globals()[f"load_{kind}"](folder)))


main()
