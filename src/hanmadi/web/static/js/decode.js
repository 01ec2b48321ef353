// A sound file to samples at the rate it was recorded at: the browser would resample it to a rate of its own.

import { toMono } from "./mono.js";

const DEFAULT_RATE = 48000; // also Opus, whatever the file says
const MP3_RATES = [[11025, 12000, 8000], null, [22050, 24000, 16000], [44100, 48000, 32000]];

/** Bytes and their content type to {samples, sampleRate}: mono, in [-1, 1]. */
export async function decode(bytes, type) {
  const raw = /^audio\/x-raw-f32le;.*rate=(\d+)/.exec(type);
  if (raw) return { samples: new Float32Array(bytes.slice(0)), sampleRate: Number(raw[1]) };
  const context = new OfflineAudioContext(1, 1, fileRate(new DataView(bytes)));
  const buffer = await context.decodeAudioData(bytes.slice(0));
  return { samples: mono(buffer), sampleRate: buffer.sampleRate };
}

/** One channel of an AudioBuffer. */
export const mono = (buffer) => toMono(Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i)), buffer.sampleRate);

/** The sample rate that a file's header tells, in Hz; 48,000 where it is not known. */
export function fileRate(view) {
  const rate = headerRate(view);
  return rate >= 3000 && rate <= 384000 ? rate : DEFAULT_RATE;
}

function headerRate(view) {
  const tag = name(view, 0);
  if (tag === "RIFF") return wavRate(view);
  if (tag === "fLaC") return view.byteLength > 21 ? (view.getUint32(18) >>> 12) : 0;
  if (tag === "OggS") return oggRate(view);
  return mp3Rate(view, tag.startsWith("ID3") ? id3Length(view) : 0);
}

function wavRate(view) {
  for (let place = 12; place + 16 <= view.byteLength; ) {
    if (name(view, place) === "fmt ") return view.getUint32(place + 12, true);
    place += 8 + view.getUint32(place + 4, true);
  }
  return 0;
}

/** The first page of Ogg holds one packet, which names its codec. */
function oggRate(view) {
  const packet = 27 + (view.byteLength > 27 ? view.getUint8(26) : 0);
  if (packet + 16 > view.byteLength || name(view, packet + 1) !== "vorb") return DEFAULT_RATE;
  return view.getUint32(packet + 12, true);
}

function mp3Rate(view, place) {
  if (place + 4 > view.byteLength) return 0;
  const header = view.getUint32(place);
  if (header >>> 21 !== 0x7ff) return 0;
  return MP3_RATES[(header >>> 19) & 3]?.[(header >>> 10) & 3] ?? 0;
}

function id3Length(view) {
  if (view.byteLength < 10) return 0;
  return 10 + [6, 7, 8, 9].reduce((sum, i) => sum * 128 + view.getUint8(i), 0);
}

function name(view, place) {
  if (place + 4 > view.byteLength) return "";
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(place + i)));
}
