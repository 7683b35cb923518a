// The page: wires map, time slider, panels and the live stream together.
import "./style.css";
import * as api from "./api";
import { colourOf, congestion, difference, flow, los, no2, pm25, unknown, type Step } from "./colour";
import { h } from "./dom";
import { clock, language, num, setLanguage, t, type Key } from "./i18n";
import { skillPanel, zonesPanel } from "./lists";
import { CityMap, type Picked } from "./map";
import { segmentPanel, sensorPanel } from "./place";
import { scenariosPanel, type Lab } from "./scenarios";
import { signalEditor, signalsPanel, type Signals } from "./signals";

type Layer = "los" | "congestion" | "flow" | "no2" | "pm25" | "difference";
const isAir = (l: Layer): l is "no2" | "pm25" => l === "no2" || l === "pm25";
type Tab = "place" | "zones" | "signals" | "scenarios" | "skill";
const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

class Page {
  private layer: Layer = "los";
  private tab: Tab = "place";
  private picked: Picked | null = null;
  private state: api.State | null = null;
  private ahead: api.Forecasts | null = null;
  private grid: api.AirGrid | null = null; // of the layer and time on screen
  private asked = 0; // number of the newest request for it
  private compared: { base: api.Num[]; alt: api.Num[] } | null = null;
  private linked: boolean | null = null; // the event stream is open; null: not tried yet
  private horizon = 0; // 0: now, else 1 + position in the forecast's horizons
  private map: CityMap;

  constructor(private city: api.City, private segments: api.Segment[], private signals: api.Signal[]) {
    this.map = new CityMap(byId("map"), city.bounds, city.version, (p) => this.pick(p));
    byId<HTMLInputElement>("time").addEventListener("input", (e) => {
      this.horizon = Number((e.target as HTMLInputElement).value);
      this.show();
    });
    byId<HTMLSelectElement>("layer").addEventListener("change", (e) => {
      this.layer = (e.target as HTMLSelectElement).value as Layer;
      this.horizon = 0;
      byId<HTMLInputElement>("time").value = "0";
      this.grid = null;
      this.show();
    });
    byId("language").addEventListener("click", () => {
      setLanguage(language() === "en" ? "zh" : "en");
      this.words();
      this.panel();
    });
    api.listen((kind) => void this.refresh(kind), (up) => this.link(up));
  }

  async start() {
    this.words();
    this.panel();
    void this.map.signals(this.signals);
    await Promise.all([this.refresh("snapshot"), this.refresh("forecast")]);
  }

  private async refresh(kind: "snapshot" | "forecast" | "air") {
    if (kind === "air") return this.show();
    if (kind === "snapshot") this.state = await api.state();
    else this.ahead = await api.forecasts().catch(() => null);
    if (this.state && this.state.city_version !== this.city.version) location.reload();
    this.paint();
    if (kind === "forecast" && this.tab !== "scenarios" && this.tab !== "signals") this.panel();
  }

  /** Paints, and asks for the air when that is what is shown. */
  private async show() {
    this.paint();
    if (!isAir(this.layer)) return void this.map.air(null);
    const asked = ++this.asked;
    const grid = await api.airGrid(this.layer, this.grid?.times[this.horizon] ?? null).catch(() => null);
    if (asked !== this.asked) return;
    this.grid = grid;
    this.paint();
    const steps = this.layer === "no2" ? no2 : pm25;
    void this.map.air(grid && grid.value.map((v, i) => ({ west: grid.west[i], south: grid.south[i], east: grid.east[i], north: grid.north[i], colour: colourOf(steps, v) })));
  }

  /** Text that does not come from the service. */
  private words() {
    if (this.linked !== null) this.link(this.linked);
    document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
    document.title = `${this.city.name} · Tideway`;
    byId("city").textContent = this.city.name;
    byId("language").textContent = language() === "en" ? "中文" : "English";
    document.querySelectorAll<HTMLElement>("[data-t]").forEach((e) => (e.textContent = t(e.dataset.t as Key)));
    const layers: Layer[] = ["los", "congestion", "flow", "no2", "pm25"];
    if (this.compared) layers.push("difference");
    byId("layer").replaceChildren(...layers.map((l) => h("option", { value: l, selected: l === this.layer }, t(`layer.${l}` as Key))));
    const tabs: Tab[] = ["place", "zones", "signals", "scenarios", "skill"];
    byId("tabs").replaceChildren(...tabs.map((tab) =>
      h("button", { role: "tab", type: "button", "aria-selected": String(tab === this.tab), onclick: () => this.open(tab) }, t(`tab.${tab}` as Key))));
    this.paint();
  }

  /** What is on screen: the colours painted, and a pixel where a street lies. */
  probe() {
    return { painted: () => this.map.painted(), breathed: () => this.map.breathed(), somewhere: () => this.map.somewhere(), signal: () => this.map.signalOnScreen() };
  }

  private link(up: boolean) {
    this.linked = up;
    const dot = byId("status");
    dot.className = `dot ${up ? "live" : "lost"}`;
    dot.textContent = t(up ? "live" : "lost");
  }

  private open(tab: Tab) {
    this.tab = tab;
    this.words();
    this.panel();
  }

  private pick(p: Picked | null) {
    this.picked = p;
    void this.map.select(p?.kind === "segment" ? p.id : null);
    if (p && !(this.tab === "scenarios" && p.kind === "segment")) this.tab = p.kind === "zone" ? "zones" : p.kind === "signal" ? "signals" : "place";
    this.words();
    this.panel();
  }

  private panel() {
    const host = h("div"); // of its own: a panel that is filled late does not come over the next one
    byId("body").replaceChildren(host);
    const signal = this.tab === "signals" ? this.signals.find((s) => this.picked?.kind === "signal" && s.id === this.picked.id) : undefined;
    document.body.classList.toggle("wide", this.tab === "signals");
    void this.map.mark(signal ?? null);
    this.fill(host).catch((e) => host.replaceChildren(h("p", { class: "error" }, String(e.message ?? e))));
  }

  private async fill(host: HTMLElement) {
    switch (this.tab) {
      case "zones":
        return zonesPanel(host, this.picked?.kind === "zone" ? this.picked.id : null);
      case "skill":
        return skillPanel(host);
      case "scenarios":
        return scenariosPanel(host, this.lab());
      case "signals": {
        const s: Signals = { lab: this.lab(), segments: this.segments, open: (id) => this.pickSignal(id) };
        return this.picked?.kind === "signal" ? signalEditor(host, this.picked.id, s) : signalsPanel(host, s);
      }
      case "place":
        return this.place(host);
    }
  }

  private lab(): Lab {
    return { signals: this.signals, picked: () => (this.picked?.kind === "segment" ? this.picked.id : null), onMap: (c) => this.compare(c) };
  }

  private pickSignal(id: string | null) {
    this.picked = id === null ? null : { kind: "signal", id };
    this.panel();
  }

  private async place(host: HTMLElement) {
    const p = this.picked;
    if (p?.kind === "segment") return segmentPanel(host, this.segments.find((s) => s.id === p.id)!, this.city.time_zone);
    if (p?.kind === "sensor") {
      const sensor = await api.sensor(p.id);
      const on = this.segments.find((s) => s.id === sensor.segment);
      return on ? segmentPanel(host, on, this.city.time_zone) : sensorPanel(host, sensor, this.city.time_zone);
    }
    host.replaceChildren(h("p", { class: "note" }, t("pick")));
  }

  private compare(c: { base: api.Num[]; alt: api.Num[] }) {
    this.compared = c;
    this.layer = "difference";
    void this.map.air(null);
    this.words();
  }

  /** Colours the map for the layer and instant chosen, and tells both. */
  private paint() {
    const steps = { los, congestion, flow, no2, pm25, difference }[this.layer];
    if (isAir(this.layer)) return this.paintAir(steps);
    const ahead = this.ahead?.horizons ?? [];
    const slider = byId<HTMLInputElement>("time");
    slider.max = String(ahead.length);
    slider.disabled = this.layer === "flow" || this.layer === "difference";
    const at = slider.disabled ? undefined : ahead[this.horizon - 1];
    this.legend(steps);
    if (this.state) {
      const when = at?.at ?? this.state.at;
      byId("when").textContent = at ? `${clock(when, this.city.time_zone)} (+${minutesBetween(this.state.at, at.at)} min)` : `${clock(when, this.city.time_zone)} (${t("now")})`;
      byId("clock").textContent = clock(this.state.at, this.city.time_zone);
      void this.map.paint(this.segments.map((_, i) => this.colour(i, at)));
    }
  }

  /** The streets step back, slider and legend speak of the air. */
  private paintAir(steps: Step[]) {
    const slider = byId<HTMLInputElement>("time"), g = this.grid, zone = this.city.time_zone;
    slider.max = String(Math.max(0, (g?.times.length ?? 1) - 1));
    slider.disabled = !g;
    const minutes = g ? minutesBetween(g.times[0], g.times[this.horizon] ?? g.at) : 0;
    byId("when").textContent = !g ? t("nothing") : `${clock(g.times[this.horizon] ?? g.at, zone)} (${minutes ? `+${minutes} min` : t("now")})`;
    this.legend(steps);
    if (g) {
      byId("legend").append(h("div", { class: "note" }, `µg/m³ · ${t("background")} ${num(g.background_ugm3, 0)}`),
        h("div", { class: "note" }, `${t("wind")} ${num(g.weather.wind_ms, 1)} m/s, ${num(g.weather.wind_from_deg, 0)}° (${t(`weather.${g.weather.source}` as Key)})`));
    }
    if (this.state) {
      byId("clock").textContent = clock(this.state.at, zone);
      void this.map.paint(this.segments.map(() => streets));
    }
  }

  private colour(i: number, at: api.Horizon | undefined): string {
    const s = this.state!.segments;
    switch (this.layer) {
      case "los": {
        if (at) return letter(at.los[i]);
        return letter(s.los[i]);
      }
      case "congestion":
        return colourOf(congestion, (at ?? this.ahead?.horizons[0])?.p_congested[i] ?? null);
      case "flow":
        return colourOf(flow, s.flow_vph[i]);
      case "no2":
      case "pm25":
        return streets;
      case "difference": {
        const base = this.compared?.base[i] ?? null, alt = this.compared?.alt[i] ?? null;
        return colourOf(difference, base === null || alt === null ? null : alt - base);
      }
    }
  }

  private legend(steps: Step[]) {
    const row = (colour: string, label: string) => h("div", { class: "row" }, h("span", { class: "swatch", style: `background:${colour}` }), label);
    const points = ["signal", "sensor", "station"] as const;
    byId("legend").replaceChildren(
      ...steps.map((s) => row(s.colour, s.range ? `${s.label}  ${s.range}` : s.label)), row(unknown, t("unknown")),
      isAir(this.layer) ? "" : h("div", { class: "note" }, t(`legend.${this.layer}`)),
      isAir(this.layer) ? "" : h("div", { class: "points" }, ...points.map((p) => h("span", { class: p }, t(`legend.${p}`)))),
    );
  }
}

/** Minutes between two instants as their clocks show them, without seconds. */
const minutesBetween = (from: string, to: string) => Math.floor(Date.parse(to) / 60000) - Math.floor(Date.parse(from) / 60000);

/** Colour of the streets under the air. */
const streets = "#8794a1";

function letter(l: string | undefined): string {
  return los.find((s) => s.label === l)?.colour ?? unknown;
}

async function main() {
  const city = await api.city(); // first, because it may have to ask for a key
  const [segments, signals] = await Promise.all([api.segments(), api.signals()]);
  const page = new Page(city, segments, signals);
  await page.start();
  Object.assign(window, { tideway: page.probe() }); // for the browser test and curious users
  document.body.dataset.ready = "true";
}

main().catch((e) => byId("body").replaceChildren(h("p", { class: "error" }, String(e.message ?? e))));
