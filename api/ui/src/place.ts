// The panel of one place: a segment's state, forecast, history and typical day,
// or a station's air.
import * as api from "./api";
import { draw, merge, type Point } from "./chart";
import { facts, h, table } from "./dom";
import { modelName } from "./lists";
import { clock, hour, measure, num, t, type Key } from "./i18n";

const percent = (v: number | null) => (v === null ? "–" : `${num(v * 100)} %`);

/** Fills host with the panel of a segment. */
export async function segmentPanel(host: HTMLElement, segment: api.Segment, zone: string) {
  const record = await api.congestion(segment.id);
  const quantity = record.speed_kmh === null && record.flow_vph !== null ? "flow" : "speed";
  const chart = h("div", { class: "chart" });
  host.replaceChildren(
    h("h2", {}, segment.name || segment.id),
    h("div", { class: "note" }, `${segment.id} · ${segment.class} · ${num(segment.length_m)} m · ${segment.lanes} × ${num(segment.limit_kmh)} km/h`),
    facts([
      [t("speed"), `${num(record.speed_kmh, 1)} km/h`],
      [t("freeflow"), `${num(record.free_flow_kmh, 1)} km/h`],
      [t("flow"), `${num(record.flow_vph)} veh/h`],
      [t("los"), record.los],
      [t("source"), t(`source.${record.source}` as Key)],
      [t("age"), record.age_s === null ? "–" : t("minutes", { n: num(record.age_s / 60) })],
    ]),
    h("h3", {}, `${t(quantity)} (${quantity === "speed" ? "km/h" : "veh/h"})`),
    chart,
    h("h3", {}, t("forecast")),
    table(
      [t("at"), `#${t("speed")}`, `#${t("band")}`, `#${t("pcongested")}`, `#${t("los")}`],
      record.forecast.map((f) => ({
        cells: [hour(f.at, zone), num(f.speed_kmh, 1), `${num(f.lo90_kmh)}–${num(f.hi90_kmh)}`, percent(f.p_congested), f.los],
      })),
    ),
    h("p", { class: "note" }, `${t("model")}: ${modelName(record.model)}` + (record.issued_at ? ` · ${t("issued")} ${clock(record.issued_at, zone)}` : "")),
  );
  await segmentChart(chart, segment.id, quantity, record, zone);
}

async function segmentChart(host: HTMLElement, id: string, quantity: string, record: api.Congestion, zone: string) {
  const [series, typical] = await Promise.all([
    api.segmentSeries(id, quantity).catch(() => null),
    api.segmentTypical(id, quantity).catch(() => null),
  ]);
  const points = series?.points ?? [];
  const expected = series?.forecast.length
    ? series.forecast.map((f) => ({ at: f.at, value: f.value, lo: f.lo90, hi: f.hi90 }))
    : quantity === "speed"
      ? record.forecast.map((f) => ({ at: f.at, value: f.speed_kmh, lo: f.lo90_kmh, hi: f.hi90_kmh }))
      : [];
  draw(host, merge(points, within(typical?.points ?? [], points, expected), expected), quantity === "speed" ? "km/h" : "veh/h", zone);
}

/** Keeps the typical values of the time span the chart shows. */
function within(typical: Point[], history: Point[], ahead: { at: string }[]): Point[] {
  const from = history[0]?.at, to = ahead[ahead.length - 1]?.at ?? history[history.length - 1]?.at;
  if (!from || !to) return typical;
  return typical.filter((p) => p.at >= from && Date.parse(p.at) <= Date.parse(to) + 3600e3);
}

/** Fills host with the panel of a sensor: an air station or a road sensor beside no segment. */
export async function sensorPanel(host: HTMLElement, sensor: api.Sensor, zone: string) {
  const station = (await api.air()).find((s) => s.station === sensor.id);
  host.replaceChildren(h("h2", {}, sensor.id));
  for (const m of sensor.measures) {
    const series = await api.sensorSeries(sensor.id, m.quantity);
    const value = station?.values.find((v) => v.pollutant === m.quantity);
    const chart = h("div", { class: "chart" });
    host.append(h("h3", {}, `${measure(m.quantity)} · ${num(value?.value ?? null, 1)} ${series.unit}`), chart);
    const expected = series.forecast.map((f) => ({ at: f.at, value: f.value, lo: f.lo90, hi: f.hi90 }));
    draw(chart, merge(series.points, [], expected), series.unit, zone);
    if (value) host.append(h("p", { class: "note" }, `${t("model")}: ${modelName(value.model)}`));
  }
}
