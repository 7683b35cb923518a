// The chart of one segment or station: what was measured, what is expected with
// its 90 % band, and the typical day.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { t } from "./i18n";

export interface ChartData {
  at: number[]; // seconds since 1970
  measured: (number | null)[];
  typical: (number | null)[];
  expected: (number | null)[];
  lo: (number | null)[];
  hi: (number | null)[];
}

export interface Point { at: string; value: number | null }
export interface Expected { at: string; value: number | null; lo: number | null; hi: number | null }

/** Lays history, typical day and forecast on one time axis. */
export function merge(history: Point[], typical: Point[], forecast: Expected[]): ChartData {
  const rows = new Map<number, { m?: number | null; t?: number | null; e?: Expected }>();
  const row = (at: string) => {
    const s = Date.parse(at) / 1000;
    if (!rows.has(s)) rows.set(s, {});
    return rows.get(s)!;
  };
  for (const p of history) row(p.at).m = p.value;
  for (const p of typical) row(p.at).t = p.value;
  for (const p of forecast) row(p.at).e = p;
  const at = [...rows.keys()].sort((a, b) => a - b);
  const column = (pick: (r: { m?: number | null; t?: number | null; e?: Expected }) => number | null | undefined) =>
    at.map((s) => pick(rows.get(s)!) ?? null);
  return {
    at,
    measured: column((r) => r.m),
    typical: column((r) => r.t),
    expected: column((r) => r.e?.value),
    lo: column((r) => r.e?.lo),
    hi: column((r) => r.e?.hi),
  };
}

/** Draws the chart into host, replacing what was there. */
export function draw(host: HTMLElement, data: ChartData, unit: string, zone: string): uPlot {
  host.replaceChildren();
  const line = (label: string, stroke: string, extra: Partial<uPlot.Series> = {}): uPlot.Series => ({
    label, stroke, width: 1.6, points: { show: false }, spanGaps: true, value: (_, v) => (v === null ? "–" : v.toFixed(1)), ...extra,
  });
  return new uPlot(
    {
      width: host.clientWidth || 360,
      height: 220,
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), zone),
      scales: { y: { range: (_, lo, hi) => [Math.min(0, lo), Math.max(1, hi * 1.08)] } },
      axes: [{ size: 30, values: "{HH}:{mm}", space: 60 }, { size: 42, label: unit, labelSize: 16 }],
      series: [
        { value: "{HH}:{mm}" },
        line(t("measured"), "#1c2733"),
        line(t("typical"), "#9aa7b4", { dash: [4, 4] }),
        line(t("expected"), "#0b66c3", { points: { show: true, size: 5 } }),
        line("5 %", "rgba(11,102,195,.35)"),
        line("95 %", "rgba(11,102,195,.35)"),
      ],
      bands: [{ series: [5, 4], fill: "rgba(11,102,195,.14)" }],
    },
    [data.at, data.measured, data.typical, data.expected, data.lo, data.hi],
    host,
  );
}
