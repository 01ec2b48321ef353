// Curves of a training: values over epochs.

import { cssColour, fitCanvas } from "./dom.js";
import { fixed } from "./i18n.js";

const LEFT = 46;
const BOTTOM = 24;
const TOP = 8;
const LINES = 4;
const COLOURS = ["quiet", "accent"]; // training, validation

/** history: rows with `epoch` and the named values; top: the highest value of the axis, that of the data otherwise. */
export function drawCurves(canvas, history, names, { percent = false, top, digits = 1 } = {}) {
  fitCanvas(canvas);
  const context = canvas.getContext("2d");
  const [width, height] = [canvas.clientWidth || 1, canvas.clientHeight || 1];
  context.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
  context.clearRect(0, 0, width, height);
  const values = history.flatMap((row) => names.map((name) => row[name])).filter(Number.isFinite);
  const most = top ?? Math.max(0.1, ...values) * 1.05;
  const last = Math.max(2, ...history.map(({ epoch }) => epoch));
  const x = (epoch) => LEFT + ((epoch - 1) / (last - 1)) * (width - LEFT - 10);
  const y = (value) => height - BOTTOM - (value / most) * (height - BOTTOM - TOP);
  const label = (value) => (percent ? `${fixed(100 * value)} %` : fixed(value, digits));
  drawGrid(context, { width, height, most, last, x, y, label });
  names.forEach((name, i) => drawLine(context, history, name, cssColour(COLOURS[i]), x, y));
}

function drawGrid(context, { width, height, most, last, x, y, label }) {
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let i = 0; i <= LINES; i++) {
    const value = (most * i) / LINES;
    context.fillStyle = cssColour("line");
    context.fillRect(LEFT, y(value) - 0.5, width - LEFT, 1);
    context.fillStyle = cssColour("quiet");
    context.fillText(label(value), LEFT - 8, y(value));
  }
  context.textAlign = "center";
  const step = Math.max(1, Math.ceil(last / 8));
  for (let epoch = 1; epoch <= last; epoch += step) context.fillText(fixed(epoch), x(epoch), height - 10);
}

function drawLine(context, history, name, colour, x, y) {
  const points = history.filter((row) => Number.isFinite(row[name]));
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 2.2;
  context.lineJoin = "round";
  context.beginPath();
  for (const row of points) context.lineTo(x(row.epoch), y(row[name]));
  context.stroke();
  if (!points.length) return;
  const end = points.at(-1);
  context.beginPath();
  context.arc(x(end.epoch), y(end[name]), 3.5, 0, 2 * Math.PI);
  context.fill();
}
