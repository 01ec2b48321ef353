// Models: what there is, how good it is, the report of a run; and a training of your own.

import { el } from "./dom.js";
import { fixed, has, onLanguage, t } from "./i18n.js";
import { chooseModel, engine, keywords, model, models, onModel, onModels, reloadModels } from "./session.js";
import { tell } from "./sources.js";
import { trainingPanel } from "./training.js";

let parts;

export async function start(view) {
  parts = { list: el("div", { class: "models" }), report: el("div", {}) };
  const training = trainingPanel({ onnew: reloadModels });
  view.replaceChildren(
    el("div", { class: "head" }, el("div", {},
      el("h1", { id: "models-title", t: "models.title" }, t("models.title")), el("p", { class: "quiet", t: "models.about" }, t("models.about")))),
    parts.list, parts.report, training.root);
  draw();
  onModels(draw);
  onModel(draw);
  onLanguage(draw);
  return { shown: () => { reloadModels().catch(tell); training.refresh(); } };
}

function draw() {
  parts.list.replaceChildren(...[...models()].sort(inOrder).map(card));
}

/** One's own first, then from small to large. */
const inOrder = (a, b) => (a.kind === "shipped") - (b.kind === "shipped") || (a.parameters ?? 0) - (b.parameters ?? 0);

function card(entry) {
  const chosen = entry.id === model()?.id;
  const use = el("button", { type: "button", class: chosen ? "primary small" : "second small", "aria-pressed": String(chosen), onclick: () => chooseModel(entry.id) },
    t(chosen ? "models.used" : "models.use"));
  const report = entry.report
    ? el("button", { type: "button", class: "plain small", onclick: () => showReport(entry) }, t("models.report")) : null;
  return el("article", { class: chosen ? "card model chosen" : "card model" },
    el("div", { class: "model-head" }, el("h3", {}, entry.name), el("span", { class: "tag" }, t(`models.kind.${entry.kind}`))),
    el("p", { class: "quiet note" }, summaryOf(entry)), accuracy(entry.metrics?.test), facts(entry), el("div", { class: "sources" }, use, report));
}

/** In the page's language for what comes with hanmadi; a run's card tells it in English. */
function summaryOf({ kind, id, summary }) {
  const key = `models.about.${id}`;
  return kind === "shipped" && has(key) ? t(key) : summary;
}

function accuracy(test) {
  if (!test) return el("p", { class: "quiet note" }, t("models.unmeasured"));
  const [low, high] = test.interval;
  const [range, point] = [el("i"), el("u")];
  range.style.left = `${100 * low}%`;
  range.style.width = `${100 * (high - low)}%`;
  point.style.left = `calc(${100 * test.accuracy}% - 1.5px)`;
  const text = t("models.accuracy", { share: fixed(100 * test.accuracy, 1), low: fixed(100 * low, 1), high: fixed(100 * high, 1), clips: fixed(test.clips) });
  return el("div", {}, el("p", { class: "num" }, el("b", {}, text.split("|")[0]), el("span", { class: "quiet note" }, text.split("|")[1])),
    el("div", { class: "interval", role: "img", "aria-label": text.replace("|", "") }, range, point));
}

function facts({ labels, parameters, bytes, sample_rate: rate }) {
  const pairs = [
    ["models.words", keywords(labels).join(", ")], ["models.parameters", parameters ? fixed(parameters) : "–"],
    ["models.size", `${fixed(bytes / 1e6, 2)} MB`], ["models.rate", `${fixed(rate / 1000)} kHz`],
  ];
  return el("dl", {}, ...pairs.flatMap(([key, value]) => [el("dt", {}, t(key)), el("dd", { class: key === "models.words" ? "wide" : "" }, value)]));
}

function showReport(entry) {
  const address = engine().reportAddress(entry.id);
  const close = el("button", { type: "button", class: "plain", onclick: () => parts.report.replaceChildren() }, t("close"));
  const open = el("a", { href: address, target: "_blank", rel: "noreferrer" }, t("models.report.tab"));
  // the report has its own scripts; the sandbox keeps them away from this page
  const frame = el("iframe", { src: address, sandbox: "allow-scripts", title: t("models.report.of", { name: entry.name }) });
  parts.report.replaceChildren(el("section", { class: "card report" },
    el("div", { class: "slot-head" }, el("h2", {}, t("models.report.of", { name: entry.name })), open, close), frame));
  parts.report.scrollIntoView({ block: "start", behavior: "smooth" });
}

