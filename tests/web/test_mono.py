"""The page's mono.js is the library's way from several channels to one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hanmadi import audio
from hanmadi.audio import Intake
from hanmadi.web import server

JS = Path(server.__file__).parent / "static" / "js"
RATE = 16_000
SCRIPT = """
const { toMono, Mixer } = await import(process.argv[1]);
const sounds = JSON.parse(require("fs").readFileSync(0, "utf8")).map((s) => s.map((c) => Float32Array.from(c)));
const streamed = (channels) => {
  const [mixer, out] = [new Mixer(16000), []];
  for (let i = 0; i < channels[0].length; i += 320) out.push(...mixer.push(channels.map((c) => c.slice(i, i + 320))));
  return out;
};
console.log(JSON.stringify(sounds.map((s) => ({ whole: [...toMono(s, 16000)], streamed: streamed(s) }))));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js is here")
def test_the_page_mixes_as_the_library_does() -> None:
    rng = np.random.default_rng(0)
    tone = 0.3 * np.sin(np.arange(6_400) / 7)[:, None]
    gains = ([1], [1, 1], [1, -1], [0.4, -0.5], [1, 0], [1, -0.3], [0, 0], [1, -1, 0.01])
    sounds = [(tone * gain + 0.01 * rng.standard_normal((6_400, len(gain)))).astype(np.float32) for gain in gains]
    sounds.append(np.concatenate([sounds[1], sounds[2], sounds[1]]))
    word, hum = tone * (np.arange(6_400) // 1_600 % 2)[:, None], np.sin(np.arange(6_400) / 51)[:, None]
    sounds.append((word * [1, -1] + 0.5 * hum).astype(np.float32))
    noise = rng.standard_normal((12_800, 1))
    sounds.append(
        np.concatenate([0.05 * noise + np.tile(word, (2, 1)) * [1, -1], 0.05 * noise * [1, 1]]).astype(np.float32)
    )
    sounds.append((0.05 * rng.standard_normal((12_800, 3))).astype(np.float32))
    given = json.dumps([sound.T.tolist() for sound in sounds])
    command = ["node", "--input-type=commonjs", "-e", f"(async () => {{{SCRIPT}}})()", str(JS / "mono.js")]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    for sound, found in zip(sounds, json.loads(done.stdout), strict=True):
        intake = Intake(RATE, RATE)
        streamed = np.concatenate([*intake.push(sound), *intake.flush()])
        np.testing.assert_allclose(found["whole"], audio.to_mono(sound), atol=1e-6)
        np.testing.assert_allclose(found["streamed"], streamed, atol=1e-6)
