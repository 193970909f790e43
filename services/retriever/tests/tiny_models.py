"""ONNX models of a few kilobytes, laid out as real ones are: words are vectors, nothing more."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
SIZE = 32
LONGEST = 24  # tokens


def embedder(folder: Path, words: str, pooling: str = "mean", seed: int = 1) -> Path:
    """Each word has a direction of its own; what is pooled is the sentence's."""
    vocabulary = _tokenizer(folder, words)
    table = np.random.default_rng(seed).normal(size=(vocabulary, SIZE)).astype(np.float32)
    table[: len(SPECIAL)] *= 0.01
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
    output = _floats("last_hidden_state", ["batch", "tokens", SIZE])
    tables = [numpy_helper.from_array(table, "table")]
    _save(folder, nodes, ["input_ids", "attention_mask"], output, tables)
    (folder / "1_Pooling").mkdir()
    kind = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token"}[pooling]
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({kind: True}))
    return folder


def cross_encoder(folder: Path, words: str) -> Path:
    """The logit is the words that question and text share, less two."""
    vocabulary = _tokenizer(folder, words)
    weights = np.ones(vocabulary, np.float32)
    weights[: len(SPECIAL)] = 0
    node = helper.make_node
    nodes = [
        node("OneHot", ["input_ids", "depth", "ends"], ["hot"]),
        node("Cast", ["token_type_ids"], ["second"], to=TensorProto.FLOAT),
        node("Sub", ["one", "second"], ["first"]),
        *_present("first", "asked"),
        *_present("second", "said"),
        node("Mul", ["asked", "said"], ["both"]),
        node("Mul", ["both", "weights"], ["counted"]),
        node("ReduceSum", ["counted", "last"], ["shared"], keepdims=1),
        node("Sub", ["shared", "two"], ["logits"]),
    ]
    constants: dict[str, np.ndarray[Any, Any]] = {
        "depth": np.array(vocabulary, np.int64), "ends": np.array([0, 1], np.float32),
        "one": np.array(1, np.float32), "two": np.array(2, np.float32), "weights": weights,
        "middle": np.array([1], np.int64), "last": np.array([1], np.int64),
        "third": np.array([2], np.int64),
    }  # fmt: skip
    tables = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    _save(folder, nodes, inputs, _floats("logits", ["batch", 1]), tables)
    return folder


def _present(part: str, name: str) -> list[onnx.NodeProto]:
    """Which words stand in this part: 0 or 1 for each of the vocabulary."""
    make = helper.make_node
    return [
        make("Unsqueeze", [part, "third"], [f"{part}_wide"]),
        make("Mul", ["hot", f"{part}_wide"], [f"{part}_hot"]),
        make("ReduceMax", [f"{part}_hot", "middle"], [name], keepdims=0),
    ]


def _tokenizer(folder: Path, words: str) -> int:
    """Size of the vocabulary."""
    known = [*SPECIAL, *dict.fromkeys(words.lower().split())]
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(known)}, "[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {"model_max_length": LONGEST, "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    return len(known)


def _floats(name: str, shape: list[str | int | None]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _save(
    folder: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[str],
    output: onnx.ValueInfoProto,
    tables: list[onnx.TensorProto],
) -> None:
    integers = TensorProto.INT64
    given = [helper.make_tensor_value_info(n, integers, ["batch", "tokens"]) for n in inputs]
    graph = helper.make_graph(nodes, "tiny", given, [output], tables)
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "model.onnx")
