"""A small XTTS with random weights in the form of the published one; it babbles.

Only the language model is small: its vocoder's and speaker encoder's widths are in coqui-tts's
code, but for the one of the vocoder that a test may set.
"""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

import torch
import TTS.tts.models.xtts as vendor
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig

WIDTH = 32
TOKENS = 120  # 5.6 s: it never stops by itself
SPEAKER = "Voix Test"
_LETTERS = "abcdefghijklmnopqrstuvwxyzàâäçéèêëîïôöùûüœæ'’-,.!?;:«»()\""
_TEXTS = ("bonjour tout le monde, ceci est une phrase d'essai.", "l'été, à noël, où êtes-vous ?")


@contextlib.contextmanager
def narrow() -> Iterator[None]:
    """A vocoder that is sixteen times faster, while entered."""
    whole = vendor.HifiDecoder
    vendor.HifiDecoder = functools.partial(whole, upsample_initial_channel_decoder=WIDTH)
    yield
    vendor.HifiDecoder = whole


def checkpoint(folder: Path, *, old: bool = False) -> Path:
    """Its folder. `old`: with the classes of 2023 in it, as the published file."""
    folder.mkdir(parents=True, exist_ok=True)
    _vocabulary(folder / "vocab.json")
    config = XttsConfig(model_args=_arguments(Tokenizer.from_file(str(folder / "vocab.json"))))
    config.save_json(str(folder / "config.json"))
    torch.manual_seed(0)
    weights = vendor.Xtts(config).state_dict()
    if old:
        with _as_in_2023():
            torch.save({"config": config, "model": weights}, folder / "model.pth")
    else:
        torch.save({"model": weights}, folder / "model.pth")
    voice = {
        "gpt_cond_latent": torch.randn(1, 32, WIDTH),
        "speaker_embedding": torch.nn.functional.normalize(torch.randn(1, 512, 1), dim=1),
    }
    torch.save({SPEAKER: voice}, folder / "speakers_xtts.pth")
    return folder


@contextlib.contextmanager
def _as_in_2023() -> Iterator[None]:
    moved = (XttsArgs, XttsAudioConfig)
    for kind in moved:
        kind.__module__ = "TTS.tts.models.xtts"
    yield
    for kind in moved:
        kind.__module__ = "TTS.tts.configs.xtts_config"


def _arguments(tokenizer: Tokenizer) -> XttsArgs:
    return XttsArgs(
        gpt_layers=1,
        gpt_n_model_channels=WIDTH,
        gpt_n_heads=2,
        decoder_input_dim=WIDTH,
        gpt_max_audio_tokens=TOKENS,
        gpt_num_audio_tokens=1026,
        gpt_start_audio_token=1024,
        gpt_stop_audio_token=1025,
        gpt_use_perceiver_resampler=True,
        gpt_number_text_tokens=max(tokenizer.get_vocab().values()) + 1,
        gpt_start_text_token=tokenizer.token_to_id("[START]"),
        gpt_stop_text_token=tokenizer.token_to_id("[STOP]"),
    )


def _vocabulary(path: Path) -> None:
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    languages = [f"[{language}]" for language in XttsConfig().languages]
    trainer = trainers.BpeTrainer(
        vocab_size=220,
        special_tokens=["[STOP]", "[UNK]", "[SPACE]", *languages, "[START]"],
        show_progress=False,
        initial_alphabet=list(_LETTERS),
    )
    tokenizer.train_from_iterator(_TEXTS, trainer)
    tokenizer.save(str(path))
