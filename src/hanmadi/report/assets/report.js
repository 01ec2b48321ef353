"use strict";
document.documentElement.classList.add("js");

/* a table whose headings sort it; a second press turns the order round */
function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const value = (row, column) => row.cells[column].dataset.value;
  heads.forEach((head, column) => head.addEventListener("click", () => {
    const numbers = [...body.rows].every((row) => column > 0 && !Number.isNaN(Number(value(row, column))));
    const first = numbers && column === 1 ? "descending" : "ascending";
    const other = { ascending: "descending", descending: "ascending" };
    const order = head.getAttribute("aria-sort") ? other[head.getAttribute("aria-sort")] : first;
    const sign = order === "ascending" ? 1 : -1;
    const compare = (a, b) => numbers
      ? Number(value(a, column)) - Number(value(b, column))
      : value(a, column).localeCompare(value(b, column));
    heads.forEach((cell) => cell.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)));
  }));
}

/* the confusion matrix reads its cells aloud below it: pointer, tap or arrow keys */
function makeReadable(table) {
  const readout = table.closest("div.scroll").parentElement.querySelector(".readout");
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1));
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  let current = rows[0][0];
  const choose = (cell) => {
    current.tabIndex = -1;
    current = cell;
    current.tabIndex = 0;
  };
  rows.forEach((cells, y) => cells.forEach((cell, x) => {
    const text = cell.title;
    cell.removeAttribute("title");
    cell.setAttribute("aria-label", text);
    cell.tabIndex = -1;
    const read = () => { readout.textContent = text; };
    cell.addEventListener("pointerenter", read);
    cell.addEventListener("focus", () => { choose(cell); read(); });
    cell.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      const next = move && rows[y + move[0]]?.[x + move[1]];
      if (!move) return;
      event.preventDefault();
      if (next) next.focus();
    });
  }));
  current.tabIndex = 0;
}

/* a picture that plays its sound, with a line that shows where it is */
function makePlayer(item) {
  const [button, audio, picture, head] = ["button", "audio", ".picture", ".head"].map((s) => item.querySelector(s));
  button.hidden = false;
  const follow = () => {
    if (audio.paused) return;
    head.style.left = `${100 * audio.currentTime / (audio.duration || 1)}%`;
    requestAnimationFrame(follow);
  };
  button.addEventListener("click", () => {
    const playing = !audio.paused;
    document.querySelectorAll("audio").forEach((other) => { other.pause(); });
    if (playing) return;
    audio.currentTime = 0;
    audio.play();
  });
  audio.addEventListener("play", () => { picture.classList.add("playing"); follow(); });
  ["pause", "ended"].forEach((kind) => audio.addEventListener(kind, () => picture.classList.remove("playing")));
}

function makeCopy(button) {
  const code = button.parentElement.querySelector("code");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // a page from a file may not write to the clipboard everywhere
      button.textContent = "Selected";
    }
  });
}

addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("table[data-sortable]").forEach(makeSortable);
  document.querySelectorAll("table.matrix").forEach(makeReadable);
  document.querySelectorAll(".mistakes > li").forEach(makePlayer);
  document.querySelectorAll(".copy").forEach(makeCopy);
});
