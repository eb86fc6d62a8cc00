import { dayText } from './format.ts';
import { type Html, html } from './html.ts';

/** The calls of a day. */
export interface DayOfCalls {
  readonly day: Date;
  readonly answered: number;
  readonly missed: number;
}

const width = 720;
const height = 230;
const left = 34;
const ground = 200;
const ceiling = 12;

/**
 * Draws the calls of some days as bars, as SVG: no script is needed, and those who do not see it have the same figures in a
 * table behind it.
 */
export function callsChart(days: readonly DayOfCalls[]): Html {
  const most = Math.max(...days.map(({ answered, missed }) => answered + missed), 1);
  const unit = unitOf(most);
  const top = Math.ceil(most / unit) * unit;
  const step = (width - left) / days.length;
  const tall = (calls: number): number => Math.round((calls / top) * (ground - ceiling));
  const lines = Array.from({ length: top / unit + 1 }, (_, index) => {
    const y = ground - tall(index * unit);
    return html`<line x1="${left}" y1="${y}" x2="${width}" y2="${y}"/>
<text class="end" x="${left - 8}" y="${y + 4}">${index * unit}</text>`;
  });
  const bars = days.map(({ day, answered, missed }, index) => {
    const x = Math.round(left + index * step + step * 0.2);
    const wide = Math.round(step * 0.6);
    const [low, high] = [tall(answered), tall(missed)];
    return html`<g><title>${dayText(day)}: ${answered} answered, ${missed} missed</title>
<rect class="answered" x="${x}" y="${ground - low}" width="${wide}" height="${low}"/>
<rect class="missed" x="${x}" y="${ground - low - high}" width="${wide}" height="${high}"/>
${index % 2 === 0 && html`<text class="middle" x="${x + wide / 2}" y="${ground + 20}">${shortDay(day)}</text>`}</g>`;
  });
  const sum = days.reduce((total, { answered, missed }) => total + answered + missed, 0);
  return html`<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="chart-title">
<title id="chart-title">Calls of the last ${days.length} days: ${sum} in all</title>${lines}${bars}</svg>
<figcaption><span class="key answered"></span>Answered <span class="key missed"></span>Missed</figcaption></figure>
<details><summary>The same as a table</summary><table><caption>Calls by day</caption>
<thead><tr><th scope="col">Day</th><th scope="col" class="figure">Answered</th><th scope="col" class="figure">Missed</th></tr></thead>
<tbody>${days.map(
    ({ day, answered, missed }) =>
      html`<tr><td>${dayText(day)}</td><td class="figure">${answered}</td><td class="figure">${missed}</td></tr>`,
  )}</tbody></table></details>`;
}

/** The distance of the lines: 1, 2 or 5, or such a number of tens, so that there are at most five. */
function unitOf(most: number): number {
  for (let ten = 1; ; ten *= 10) {
    const unit = [1, 2, 5].find((one) => most / (one * ten) <= 4);
    if (unit !== undefined) return unit * ten;
  }
}

function shortDay(day: Date): string {
  return dayText(day).replace(/ \d+$/, '');
}
