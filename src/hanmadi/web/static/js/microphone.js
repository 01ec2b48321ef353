// The microphone, at whatever rate the device has.

const WORKLET = new URL("capture-worklet.js", import.meta.url);

/** Why there is no sound: `key` names a text for people. */
export class MicrophoneError extends Error {
  constructor(key, cause) {
    super(key, { cause });
    this.key = key;
  }
}

const REASONS = {
  NotAllowedError: "mic.denied", SecurityError: "mic.denied", NotFoundError: "mic.none", OverconstrainedError: "mic.none",
  NotReadableError: "mic.busy", AbortError: "mic.busy",
};

/** Opens it; `onblock(samples)` gets mono Float32Array blocks, `onend` is called when the device goes away. */
export async function openMicrophone({ deviceId, onblock, onend }) {
  if (!navigator.mediaDevices?.getUserMedia) throw new MicrophoneError(isSecureContext ? "mic.unsupported" : "mic.insecure");
  const media = await askFor(deviceId);
  try {
    return await connect(media, onblock, onend);
  } catch (error) {
    stopTracks(media);
    throw new MicrophoneError("mic.busy", error);
  }
}

async function askFor(deviceId) {
  // what a call makes clearer makes a word recogniser worse: it learnt from plain recordings
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  if (deviceId) audio.deviceId = { exact: deviceId };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new MicrophoneError(REASONS[error.name] ?? "mic.busy", error);
  }
}

async function connect(media, onblock, onend) {
  const context = new AudioContext({ latencyHint: "interactive" });
  await context.audioWorklet.addModule(WORKLET);
  const source = context.createMediaStreamSource(media);
  const capture = new AudioWorkletNode(context, "hanmadi-capture", { numberOfOutputs: 0 });
  capture.port.onmessage = ({ data }) => onblock(data);
  source.connect(capture);
  await context.resume();
  const [track] = media.getAudioTracks();
  track.addEventListener("ended", () => onend?.());
  return {
    sampleRate: context.sampleRate,
    deviceId: track.getSettings().deviceId,
    name: track.label,
    close() {
      capture.port.onmessage = null;
      stopTracks(media);
      context.close();
    },
  };
}

function stopTracks(media) {
  for (const track of media.getTracks()) track.stop();
}

/** Devices that record, with names once a person has allowed the microphone. */
export async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId);
}

/** Two seconds in which a word is said. `ontime(share)` tells how far it is, 0 to 1. */
export async function recordClip({ seconds = 2, ontime, onstart }) {
  const blocks = [];
  let [count, finish, microphone] = [0, null, null];
  const enough = new Promise((resolve) => { finish = resolve; });
  const onblock = (block) => {
    if (!microphone) return; // speaking has not been asked for yet
    blocks.push(block);
    count += block.length;
    const share = count / (seconds * microphone.sampleRate);
    ontime?.(Math.min(1, share));
    if (share >= 1) finish();
  };
  microphone = await openMicrophone({ onblock, onend: () => finish() });
  onstart?.();
  await enough;
  microphone.close();
  return { samples: joined(blocks), sampleRate: microphone.sampleRate };
}

function joined(blocks) {
  const out = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let place = 0;
  for (const block of blocks) {
    out.set(block, place);
    place += block.length;
  }
  return out;
}
