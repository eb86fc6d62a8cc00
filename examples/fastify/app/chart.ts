import { type Html, html } from './html.ts';

/** The calls of a day. */
export interface DayOfCalls {
  /** `2026-07-01` */
  readonly day: string;
  readonly answered: number;
  readonly missed: number;
}

const width = 640;
const height = 200;
const ground = 170;

/**
 * Draws the calls of some days as bars, as SVG: no script is needed, and those who do not see it have the same figures in a
 * table behind it.
 */
export function callsChart(days: readonly DayOfCalls[]): Html {
  const most = Math.max(4, ...days.map(({ answered, missed }) => answered + missed));
  const step = width / days.length;
  const tall = (calls: number): number => Math.round((calls / most) * (ground - 20));
  const bars = days.map(({ day, answered, missed }, index) => {
    const x = Math.round(index * step + step * 0.2);
    const wide = Math.round(step * 0.6);
    const [low, high] = [tall(answered), tall(missed)];
    return html`<g><title>${day}: ${answered} answered, ${missed} missed</title>
<rect class="answered" x="${x}" y="${ground - low}" width="${wide}" height="${low}"/>
<rect class="missed" x="${x}" y="${ground - low - high}" width="${wide}" height="${high}"/>
${index % 2 === 0 && html`<text x="${x + wide / 2}" y="${ground + 18}">${day.slice(5)}</text>`}</g>`;
  });
  const sum = days.reduce((total, { answered, missed }) => total + answered + missed, 0);
  return html`<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="chart-title">
<title id="chart-title">Calls of the last ${days.length} days: ${sum} in all</title>
<line x1="0" y1="${ground}" x2="${width}" y2="${ground}"/>${bars}</svg>
<figcaption><span class="key answered"></span> answered <span class="key missed"></span> missed</figcaption></figure>
<details><summary>The same as a table</summary><table><caption>Calls by day</caption>
<thead><tr><th scope="col">Day</th><th scope="col">Answered</th><th scope="col">Missed</th></tr></thead>
<tbody>${days.map(
    ({ day, answered, missed }) => html`<tr><td>${day}</td><td>${answered}</td><td>${missed}</td></tr>`,
  )}</tbody></table></details>`;
}
