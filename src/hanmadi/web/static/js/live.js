// Live: the microphone's sound as it comes, what the model thinks of it, and the words.

import { $, el } from "./dom.js";
import { fixed, onLanguage, percent, t } from "./i18n.js";
import { listDevices, openMicrophone } from "./microphone.js";
import { Scope } from "./scope.js";
import { chosenModel, engine, keywords, model, onModel, onModels } from "./session.js";

const WORD_SHOWN_MS = 1800;
const LAG_S = 0.05; // drawing stays so far behind the newest sample that none is missing
const HEARD_KEPT = 100;
const QUIET_DB = -62; // below it for long, the microphone is probably not the right one
const QUIET_AFTER_S = 5;
const CLIPPED = 0.999;
const FRAMES_KEPT = 600;

const state = { running: null, starting: false };
let scope;

export function startLive() {
  scope = new Scope($("#scope"));
  scope.draw(0);
  $("#live-start").addEventListener("click", toggle);
  $("#live-toggle").addEventListener("click", toggle);
  $("#device").addEventListener("change", ({ target }) => restart(target.value));
  new ResizeObserver(() => scope.draw(scope.shownS)).observe($("#scope"));
  onModels(() => { showWords(); });
  onModel(() => { showWords(); if (state.running) restart($("#device").value); });
  onLanguage(() => { showControls(); showWords(); });
  showControls();
  return { stop };
}

function toggle() {
  if (state.running) stop();
  else start();
}

async function restart(deviceId) {
  stop();
  await start(deviceId);
}

async function start(deviceId) {
  if (state.starting) return;
  state.starting = true;
  tell("");
  showControls();
  try {
    state.running = await listen(deviceId);
    fillDevices(state.running.microphone);
    requestAnimationFrame(frame);
  } catch (error) {
    tell(t(error.key ?? "error.start", { reason: error.message }));
  }
  state.starting = false;
  showControls();
  if (state.running) $("#live-toggle").focus({ preventScroll: true });
}

/** Sound and scores begin to flow. */
async function listen(deviceId) {
  const chosen = await chosenModel();
  const session = { came: 0, offsetMs: Infinity, rate: 0, stream: null, loudS: 0, level: 0, detected: 0 };
  const early = [];
  const onblock = (block) => (session.stream ? take(session, block) : early.push(block));
  session.microphone = await openMicrophone({ deviceId, onblock, onend: () => fail(session, t("mic.gone")) });
  session.rate = session.microphone.sampleRate;
  scope.begin(session.rate);
  session.stream = engine().openStream({ model: chosen.id, rate: session.rate, on: handlers(session) });
  early.forEach((block) => take(session, block));
  return session;
}

function take(session, block) {
  session.came += block.length;
  const now = performance.now();
  // the least delayed block tells best when a sample was recorded
  session.offsetMs = Math.min(session.offsetMs + 0.01, now - (1000 * session.came) / session.rate);
  scope.push(block);
  session.stream.send(block);
  loudness(session, block);
}

function loudness(session, block) {
  let [sum, most] = [0, 0];
  for (const x of block) {
    sum += x * x;
    most = Math.max(most, Math.abs(x));
  }
  const db = 10 * Math.log10(sum / block.length + 1e-12);
  session.level = Math.max(db, session.level - 1.2);
  const nowS = session.came / session.rate;
  if (db > QUIET_DB) session.loudS = nowS;
  if (most >= CLIPPED) session.clippedS = nowS;
}

function handlers(session) {
  return {
    ready: (values) => showBars(values.labels, values.decisions),
    scores: ({ scores }) => { session.scores = scores; },
    detection: (found) => detected(session, found),
    problem: ({ message }) => tell(message),
    closed: (code, reason) => fail(session, t("error.closed", { reason: reason || code })),
  };
}

function fail(session, text) {
  if (state.running !== session) return;
  stop();
  tell(text);
}

export function stop() {
  const session = state.running;
  if (!session) return;
  state.running = null;
  session.stream.close();
  session.microphone.close();
  showControls();
  $("#live-start").focus({ preventScroll: true });
}

// ---- each frame ----

function frame(nowMs) {
  const session = state.running;
  if (!session) return;
  const begin = performance.now();
  const heardS = session.came / session.rate;
  scope.draw(Math.min(heardS, Math.max(0, (nowMs - session.offsetMs) / 1000 - LAG_S)));
  if (session.scores !== session.drawnScores) drawScores(session);
  drawLevel(session, heardS);
  remember(nowMs, performance.now() - begin);
  requestAnimationFrame(frame);
}

/** When the last frames were, and what drawing each took, in ms: for the benchmark. */
export const frames = [];
export const costs = [];

function remember(timeMs, costMs) {
  frames.push(timeMs);
  costs.push(costMs);
  if (frames.length <= FRAMES_KEPT) return;
  frames.shift();
  costs.shift();
}

function drawScores(session) {
  session.drawnScores = session.scores;
  const best = session.scores.indexOf(Math.max(...session.scores));
  session.scores.forEach((score, i) => {
    const bar = bars[i];
    if (!bar) return;
    bar.fill.style.transform = `scaleX(${score.toFixed(3)})`;
    const text = percent(score);
    if (bar.number.textContent !== text) {
      bar.number.textContent = text;
      bar.meter.setAttribute("aria-valuenow", Math.round(100 * score));
    }
    bar.item.classList.toggle("best", i === best && score > 0.3);
  });
}

const level = { share: -1, facts: "" };

function drawLevel(session, heardS) {
  const share = Math.max(0, Math.min(1, 1 + session.level / 60)).toFixed(2);
  if (share !== level.share) {
    level.share = share;
    $("#level i").style.transform = `scaleX(${share})`;
  }
  const facts = factsOf(session, heardS);
  if (facts !== level.facts) {
    level.facts = facts;
    $("#live-facts").textContent = facts;
  }
}

function factsOf(session, heardS) {
  if (heardS - session.clippedS < 1.5) return t("live.clipped");
  if (heardS - session.loudS > QUIET_AFTER_S) return t("live.quiet");
  return `${fixed(session.rate / 1000, 1)}\u00a0kHz`;
}

// ---- words ----

function detected(session, { label, time_s: timeS, score }) {
  const latencyMs = Math.max(0, performance.now() - session.offsetMs - 1000 * timeS);
  scope.mark(timeS, label);
  showWord(label);
  const item = el("li", {},
    el("b", {}, label), el("span", { class: "num quiet" }, clock(timeS)),
    el("span", { class: "num" }, percent(score)), el("span", { class: "num quiet" }, t("live.latency", { ms: fixed(latencyMs) })));
  Object.assign(item.dataset, { label, time: timeS.toFixed(3), latency: latencyMs.toFixed(1) });
  $("#heard").prepend(item);
  while ($("#heard").children.length > HEARD_KEPT) $("#heard").lastChild.remove();
  $("#heard-empty").hidden = true;
}

function showWord(label) {
  const word = $("#word");
  word.textContent = label;
  word.getAnimations().forEach((animation) => animation.cancel());
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const from = { opacity: 0, transform: still ? "none" : "translateY(12px) scale(0.9)" };
  const full = { opacity: 1, transform: "none" };
  word.animate([from, { ...full, offset: 0.06 }, { ...full, offset: 0.6 }, { opacity: 0, transform: "none" }], WORD_SHOWN_MS);
}

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${fixed(seconds - 60 * minutes, 1).padStart(4, "0")}`;
}

// ---- what stands still ----

let bars = [];

function showWords() {
  const chosen = model();
  if (!chosen) return;
  $("#known").replaceChildren(...keywords(chosen.labels).map((label) => el("span", { lang: "und" }, label)));
  showBars(chosen.labels, chosen.decisions);
}

function showBars(labels, decisions) {
  bars = labels.map((label) => bar(label, decisions));
  $("#bars").replaceChildren(...bars.map(({ item }) => item));
}

function bar(label, decisions) {
  const isWord = keywords([label]).length > 0;
  const threshold = decisions?.thresholds?.[label] ?? decisions?.threshold;
  const fill = el("i");
  const number = el("span", { class: "num" }, "");
  const meter = el("span", {
    class: "track", role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0",
  }, fill);
  if (isWord && threshold !== undefined) {
    const line = el("u");
    line.style.left = `${100 * threshold}%`;
    meter.append(line);
  }
  return { fill, number, meter, item: el("li", { class: isWord ? "" : "other" }, el("span", {}, label), meter, number) };
}

function showControls() {
  const on = state.running !== null;
  $("#stage").dataset.state = on ? "live" : state.starting ? "starting" : "idle";
  $("#invite").hidden = on;
  const button = $("#live-toggle");
  button.hidden = !on;
  button.textContent = t("live.stop");
  $("#live-start").disabled = state.starting;
  $("#level").hidden = !on;
  if (!on) {
    $(".device").hidden = true;
    $("#live-facts").textContent = "";
    level.facts = "";
  }
}

async function fillDevices(microphone) {
  const devices = await listDevices().catch(() => []);
  const select = $("#device");
  select.replaceChildren(...devices.map(({ deviceId, label }, i) => el("option", { value: deviceId }, label || `${t("live.device")} ${i + 1}`)));
  select.value = microphone.deviceId ?? "";
  $(".device").hidden = devices.length < 2;
}

const tell = (text) => dispatchEvent(new CustomEvent("hanmadi:notice", { detail: text }));
