// The panels that list: zones with traffic and air, and forecast skill.
import * as api from "./api";
import { h, table } from "./dom";
import { measure, num, t } from "./i18n";

/** Fills host with the state of every zone. */
export async function zonesPanel(host: HTMLElement, highlight: string | null) {
  const [traffic, zones, air] = await Promise.all([api.zoneCongestion(), api.zones(), api.airZones().catch(() => [])]);
  const people = new Map(zones.map((z) => [z.id, z.population]));
  const no2 = new Map(air.map((z) => [z.zone, z.values.find((v) => v.pollutant === "no2")?.value ?? null]));
  if (!traffic.length) return host.replaceChildren(h("p", { class: "note" }, t("nothing")));
  const rows = traffic.map((z) => ({
    cells: [
      { text: z.name || z.zone, class: z.zone === highlight ? "picked" : "" },
      num(people.get(z.zone) ?? null), num(z.speed_kmh, 1),
      z.congested_share === null ? "–" : `${num(z.congested_share * 100)} %`, num(no2.get(z.zone) ?? null, 0), z.los,
    ],
  }));
  host.replaceChildren(table([t("zone"), `#${t("population")}`, "#km/h", `#${t("pcongested")}`, "#NO₂ µg/m³", `#${t("los")}`], rows));
}

/** Fills host with how well issued forecasts did. */
export async function skillPanel(host: HTMLElement) {
  const scores = (await api.skill()).filter((s) => s.count > 0);
  if (!scores.length) return host.replaceChildren(h("p", { class: "note" }, t("nothing")));
  const rows = scores.map((s) => ({
    cells: [`${measure(s.quantity)} (${s.unit})`, modelName(s.model), t("minutes", { n: num(s.minutes) }), num(s.mae, s.unit === "share" ? 4 : 2),
      s.coverage90 === null ? "–" : `${num(s.coverage90 * 100)} %`, num(s.count)],
  }));
  host.replaceChildren(table([t("quantity"), t("model"), `#${t("horizon")}`, `#${t("error.mae")}`, `#${t("coverage")}`, `#${t("scored")}`], rows));
}

/** A model without its version, which is as long as a hash. */
export const modelName = (id: string) => id.replace(/@.*/, "").replaceAll("_", " ");
