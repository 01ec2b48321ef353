// Colour of a level: perceptually even steps, so that equal differences in dB look equally different.
// Dark: magma (Smith and van der Walt 2015, CC0). Light: the same hues on paper, quiet is white, loud is dark.

const DARK = "0000040303120a0822130d341d114729115a36106b440f7651127c5d177f6a1c81762181832681902a819c2e7faa337db73779c43c75" +
  "d0416fdc4869e75263ef5d5ef56b5cf9795dfc8961fd9869fea772feb67cfec488fed395fde2a3fcf0b2fcfdbf";
const LIGHT = "fefefef6f5f2f1ece5eee3d6edd9c8eeceb8f0c3a9f5b69afaa88cff9980ff8877ff7674ff6a78f7617feb5a85dd548acf4f8fc14a92" +
  "b34594a54095983b958a36957d3094702b9264268e56228849217d3c226c30215a271f481c1d35191922141315";
const STEPS = 256;

function table(hex) {
  const points = hex.match(/.{6}/g).map((rgb) => [0, 2, 4].map((i) => parseInt(rgb.slice(i, i + 2), 16)));
  const colours = new Uint32Array(STEPS); // as ImageData holds them, little-endian: A B G R
  for (let i = 0; i < STEPS; i++) {
    const place = (i / (STEPS - 1)) * (points.length - 1);
    const low = Math.min(Math.floor(place), points.length - 2);
    const [r, g, b] = points[low].map((value, k) => Math.round(value + (place - low) * (points[low + 1][k] - value)));
    colours[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return colours;
}

const TABLES = { dark: table(DARK), light: table(LIGHT) };

/** 256 colours from quiet to loud for a theme. */
export const colourTable = (theme) => TABLES[theme];

/** Which of them stands for a level between two in dB. */
export function colourIndex(db, low, high) {
  return Math.max(0, Math.min(STEPS - 1, Math.round(((db - low) / (high - low)) * (STEPS - 1)))) || 0;
}

/** CSS gradient of the table, for a legend. */
export function gradient(theme) {
  const colours = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((i) => {
    const value = TABLES[theme][i];
    return `rgb(${value & 255} ${(value >> 8) & 255} ${(value >> 16) & 255})`;
  });
  return `linear-gradient(90deg, ${colours.join(", ")})`;
}
