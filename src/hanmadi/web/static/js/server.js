// The engine behind a server: hanmadi's HTTP API.

/** A request that the server refused, or that did not reach it (status 0). */
export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const api = (path) => new URL(`api/${path}`, document.baseURI);

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(api(path), options);
  } catch (error) {
    throw new ServerError(String(error), 0);
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new ServerError(body?.error ?? `${response.status} ${response.statusText}`, response.status);
}

const json = async (path, options) => (await request(path, options)).json();

export const server = {
  kind: "server",
  models: () => json("models"),
  examples: () => json("examples"),
  data: () => json("data"),
  trainings: () => json("trainings"),
  training: (id) => json(`trainings/${encodeURIComponent(id)}`),
  cancelTraining: (id) => json(`trainings/${encodeURIComponent(id)}`, { method: "DELETE" }),
  startTraining: (wish) =>
    json("trainings", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(wish) }),
  reportAddress: (id) => api(`models/${encodeURIComponent(id)}/report`).href,

  async example(id) {
    const response = await request(`examples/${encodeURIComponent(id)}`);
    return { bytes: await response.arrayBuffer(), type: "application/octet-stream" };
  },

  /** sound: {bytes, type}; what changes and how it is shown: {model, kind, windowMs, hopMs, rate, bits, antialias}. */
  async analyse(sound, { model, kind = "linear", windowMs, hopMs, rate, bits, antialias = true, signal }) {
    const query = new URLSearchParams({ kind, top: 5, antialias: antialias ? 1 : 0 });
    const given = { model, window_ms: windowMs, hop_ms: hopMs, rate, bits };
    for (const [name, value] of Object.entries(given)) if (value !== undefined && value !== null) query.set(name, value);
    const headers = { "Content-Type": sound.type };
    return analysed(await json(`analyse?${query}`, { method: "POST", headers, body: sound.bytes, signal }));
  },

  /** on: {ready, scores, detection, problem, closed(code, reason)}. */
  openStream({ model, rate, on }) {
    const address = api(`stream?${new URLSearchParams({ model, rate: Math.round(rate), format: "f32" })}`);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    return new SocketStream(address, on);
  },
};

function analysed(found) {
  const { rows, columns, data, frequencies_hz: frequencies, hop_s: hopS, start_s: startS = 0 } = found.spectrogram;
  return {
    sampleRate: found.sample_rate,
    seconds: found.seconds,
    samples: floats(found.waveform),
    spectrogram: { rows, columns, data: floats(data), frequencies, hopS, startS },
    resolution: found.resolution && { timeMs: found.resolution.time_ms, frequencyHz: found.resolution.frequency_hz },
    wav: bytesOf(found.wav).buffer,
    prediction: found.prediction,
  };
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const floats = (base64) => new Float32Array(bytesOf(base64).buffer);

class SocketStream {
  constructor(address, on) {
    this.on = on;
    this.waiting = []; // blocks from before the socket was open
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.opened();
    this.socket.onmessage = ({ data }) => this.message(JSON.parse(data));
    this.socket.onclose = ({ code, reason }) => this.on.closed?.(code, reason);
  }

  opened() {
    for (const block of this.waiting) this.socket.send(block);
    this.waiting = [];
  }

  message({ type, ...values }) {
    this.on[type]?.(values);
  }

  send(block) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(block);
    else if (this.socket.readyState === WebSocket.CONNECTING) this.waiting.push(block);
  }

  close() {
    this.socket.onclose = null;
    this.socket.close(1000, "stopped");
  }
}
