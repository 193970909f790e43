"""Small Piper voices that the real Piper speaks with: each phoneme is a hum of a fixed length."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

RATE, HOP, FRAMES = 22_050, 256, 3


def piper_voice(
    folder: Path,
    name: str,
    language: str,
    *,
    speakers: tuple[str, ...] = (),
    durations: bool = True,
    **more: object,
) -> Path:
    """A file of a few hundred bytes. `durations`: it tells how long phonemes are, as most do."""
    path = folder / f"{name}.onnx"
    onnx.save(_model(speakers, "Ceil" if durations else "Floor"), path)
    described = {
        "audio": {"sample_rate": RATE},
        "espeak": {"voice": language.split("_")[0].lower()},
        "language": {"code": language},
        "phoneme_type": "espeak",
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {speaker: number for number, speaker in enumerate(speakers)},
        "inference": {},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "hop_length": HOP,
    }
    Path(f"{path}.json").write_text(json.dumps(described | more), encoding="utf-8")
    return path


def _model(speakers: tuple[str, ...], rounding: str) -> onnx.ModelProto:
    """Piper's signature: input, input_lengths, scales, sid -> output [1, 1, 1, samples]."""
    steps = [
        ("Cast", ["input"], "ids"),
        ("Mul", ["ids", "zero"], "nothing"),
        ("Slice", ["scales", "one_i", "two_i", "zero_i"], "length_scale"),
        ("Mul", ["length_scale", "frames"], "lasting"),
        ("Add", ["nothing", "lasting"], "w"),
        (rounding, ["w"], "w_rounded"),
        ("ReduceSum", ["w_rounded"], "all_frames"),
        ("Mul", ["all_frames", "hop"], "samples"),
        ("Range", ["zero", "samples", "one"], "time"),
        ("Mul", ["time", "pitch"], "phase"),
        ("Sin", ["phase"], "hum"),
        ("Mul", ["hum", "level"], "quiet"),
        ("Reshape", ["quiet", "shape"], "output"),
    ]
    extra: dict[str, dict[str, Any]] = {
        "Cast": {"to": TensorProto.FLOAT},
        "ReduceSum": {"keepdims": 0},
    }
    nodes = [helper.make_node(op, i, [o], **extra.get(op, {})) for op, i, o in steps]
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, ["b", "p"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["b"]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if speakers:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, ["b"]))
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["b", 1, 1, "t"])
    graph = helper.make_graph(nodes, "hum", inputs, [output], _constants())
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def _constants() -> list[onnx.TensorProto]:
    values = {
        "zero": np.float32(0),
        "one": np.float32(1),
        "frames": np.float32(FRAMES),
        "hop": np.float32(HOP),
        "pitch": np.float32(2 * np.pi * 150 / RATE),
        "level": np.float32(0.3),
        "one_i": np.array([1]),
        "two_i": np.array([2]),
        "zero_i": np.array([0]),
        "shape": np.array([1, 1, 1, -1]),
    }
    return [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()]
