// Arithmetic and drawing of the S-curve: the chance that two documents of similarity s share one of b bands of r rows is
// 1 - (1 - s^r)^b (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4).

export const candidateChance = (similarity, bands, rows) => 1 - (1 - similarity ** rows) ** bands;

const Z95 = 1.959964;

/** Wilson's 95% interval of a share. */
export function wilson(found, count) {
  const share = found / count;
  const z2 = Z95 ** 2 / count;
  const middle = (share + z2 / 2) / (1 + z2);
  const half = (Z95 * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count))) / (1 + z2);
  return { low: Math.max(0, middle - half), share, high: Math.min(1, middle + half) };
}

const WIDTH = 760;
const HEIGHT = 460;
const MARGIN = { left: 50, right: 190, top: 20, bottom: 40 };
const FROM = 0.5;
const COLOURS = ["#7a5195", "#bc5090", "#ef5675", "#ff764a", "#ffa600", "#4c8c4a", "#8c6d31", "#637939", "#5254a3"];

const x = (similarity) => MARGIN.left + ((similarity - FROM) / (1 - FROM)) * (WIDTH - MARGIN.left - MARGIN.right);
const y = (share) => MARGIN.top + (1 - share) * (HEIGHT - MARGIN.top - MARGIN.bottom);
const at = (value) => value.toFixed(1);
const path = (points) => points.map(([s, share], i) => `${i === 0 ? "M" : "L"}${at(x(s))},${at(y(share))}`).join("");
const label = (left, top, text, extra = "") => `<text x="${at(left)}" y="${at(top)}"${extra}>${text}</text>`;

function axes() {
  const lines = [];
  for (let i = 0; i <= 5; i += 1) {
    const [similarity, share] = [0.5 + i / 10, i / 5];
    lines.push(
      `<path d="M${at(x(similarity))},${at(y(0))}V${at(y(1))}M${at(x(FROM))},${at(y(share))}H${at(x(1))}" stroke="#ddd"/>`,
    );
    lines.push(label(x(similarity), y(0) + 18, similarity.toFixed(1), ' text-anchor="middle"'));
    lines.push(label(x(FROM) - 8, y(share) + 4, `${100 * share}%`, ' text-anchor="end"'));
  }
  lines.push(label(x(0.75), HEIGHT - 6, "exact Jaccard similarity of a pair", ' text-anchor="middle"'));
  lines.push(`<path d="M${at(x(0.7))},${at(y(0))}V${at(y(1))}" stroke="#999" stroke-dasharray="4 3"/>`);
  return lines;
}

/** Millrace's theory as a line with its measured bins as dots and intervals; peers as lines through their bins. */
export function drawSCurve({ bands, rows }, ours, peers) {
  const theory = Array.from({ length: 101 }, (_, i) => {
    const similarity = FROM + (i / 100) * (1 - FROM);
    return [similarity, candidateChance(similarity, bands, rows)];
  });
  const legend = [
    `<path d="M${WIDTH - 180},30h20" stroke="#1f4e79" stroke-width="2"/>`,
    label(WIDTH - 154, 34, "Millrace, theory"),
  ];
  legend.push(
    `<circle cx="${WIDTH - 170}" cy="48" r="3.5" fill="#1f4e79"/>`,
    label(WIDTH - 154, 52, "Millrace, measured"),
  );
  const dots = ours.map(
    ({ similarity, low, share, high }) =>
      `<path d="M${at(x(similarity))},${at(y(low))}V${at(y(high))}" stroke="#1f4e79"/><circle cx="${at(x(similarity))}" cy="${at(y(share))}" r="3.5" fill="#1f4e79"/>`,
  );
  const lines = peers.map(({ name, bins }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const dash = i < COLOURS.length ? "" : ' stroke-dasharray="5 3"';
    const top = 70 + 18 * i;
    legend.push(`<path d="M${WIDTH - 180},${top - 4}h20" stroke="${colour}"${dash}/>`, label(WIDTH - 154, top, name));
    return `<path d="${path(bins.map(({ similarity, share }) => [similarity, share]))}" stroke="${colour}"${dash}/>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="none">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    '<g fill="#333" stroke-width="0.5">',
    ...axes(),
    "</g>",
    ...lines,
    `<path d="${path(theory)}" stroke="#1f4e79" stroke-width="2"/>`,
    ...dots,
    `<g fill="#333">${legend.join("")}</g>`,
    "</svg>",
    "",
  ].join("\n");
}
