// A clip, or two side by side.

import { el } from "./dom.js";
import { t, translate } from "./i18n.js";
import { chosenModel, onModel } from "./session.js";
import { Slot } from "./slot.js";

const state = { kind: "log_mel", slots: [] };

export async function start(view) {
  await chosenModel();
  const slots = el("div", { class: "slots" });
  state.slots = ["clip.first", "clip.second"].map((titleKey) => new Slot({ titleKey, kind: () => state.kind, onchange: draw }));
  slots.append(state.slots[0].root);
  const compare = el("button", { type: "button", class: "second", "aria-pressed": "false", t: "clip.compare" }, t("clip.compare"));
  compare.addEventListener("click", () => {
    const two = compare.getAttribute("aria-pressed") !== "true";
    compare.setAttribute("aria-pressed", String(two));
    slots.classList.toggle("two", two);
    if (two) slots.append(state.slots[1].root);
    else state.slots[1].root.remove();
    translate(slots);
    draw();
  });
  view.replaceChildren(head(compare), slots);
  onModel(refresh);
  return {};
}

function head(compare) {
  return el("div", { class: "head" },
    el("div", {}, el("h1", { id: "clip-title", t: "clip.title" }, t("clip.title")), el("p", { class: "quiet", t: "clip.about" }, t("clip.about"))),
    el("div", { class: "sources" }, kindChoice("clip-kind", state.kind, (kind) => { state.kind = kind; refresh(); }), compare));
}

/** Linear or log-mel, as a group of two. */
export function kindChoice(name, chosen, onchoice) {
  const option = (value) => el("label", {},
    el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchoice(value) }), el("span", { t: `kind.${value}` }, t(`kind.${value}`)));
  return el("fieldset", { class: "segments", role: "radiogroup", tLabel: "kind", "aria-label": t("kind") }, option("linear"), option("log_mel"));
}

const refresh = () => Promise.all(state.slots.map((slot) => slot.refresh()));

/** Both in the same colours for the same levels. */
function draw() {
  const shown = state.slots.filter((slot) => slot.root.isConnected && slot.analysis);
  const topDb = Math.max(...shown.map((slot) => slot.topDb));
  for (const slot of shown) slot.draw(topDb);
}
