// The service's answers as this page uses them (a part of /openapi.yaml), and
// the calls that fetch them.
import { t } from "./i18n";

export type Num = number | null;
export interface City { name: string; version: string; time_zone: string; bounds: [number, number, number, number]; counts: Record<string, number> }
export interface Segment { id: string; name: string; class: string; length_m: number; limit_kmh: number; lanes: number; heading_deg: number; sensors: string[] }
export interface Zone { id: string; name: string; kind: string; population: Num }
export interface RingPhase { phase: number; ring: number; barrier: number; position: number; groups: number[]; split_s: number; min_green_s: number; yellow_s: number; all_red_s: number; coordinated: boolean }
export interface Stage { name: string; duration_s: number; min_s: number; states: string }
export interface Plan { id: string; kind: string; cycle_s: number; offset_s: number; stages: Stage[]; phases: RingPhase[] }
export interface Signal { id: string; plan: string; plans: Plan[]; segments: string[]; lon: number; lat: number }
export interface TurnVolume { from: string; to: string; flow_vph: number }
export interface LaneGroup { approach: string; lanes: number[]; turns: number[]; flow_vph: number; saturation: Num; delay_s: Num; los: string; queue95_veh: Num }
export interface Finding { rule: string; stage?: number; phase?: number; message: string; refused: boolean }
export interface Evaluation {
  plan: Plan; least_s: number[]; shown: Stage[]; delay_s: number; saturation: Num; los: string; groups: LaneGroup[]; findings: Finding[];
  turns: (TurnVolume & { turn: string; groups: number[]; source: "demand" | "approach" | "given" })[];
}
export interface Columns { speed_kmh: Num[]; free_flow_kmh: number[]; flow_vph: Num[]; los: string; source: number[]; age_s: Num[] }
export interface State { city_version: string; seq: number; at: string; sources: string[]; segments: Columns }
export interface Horizon { minutes: number; at: string; speed_kmh: Num[]; lo90_kmh: Num[]; hi90_kmh: Num[]; p_congested: Num[]; los: string }
export interface Forecasts { issued_at: string; model: string; horizons: Horizon[] }
export interface CongestionAt { at: string; speed_kmh: Num; lo90_kmh: Num; hi90_kmh: Num; p_congested: Num; los: string }
export interface Congestion {
  segment: string; observed_at: string | null; age_s: Num; source: string; speed_kmh: Num; free_flow_kmh: number;
  flow_vph: Num; los: string; forecast: CongestionAt[]; model: string; issued_at: string | null;
}
export interface ZoneCongestion { zone: string; name: string; speed_kmh: Num; congested_share: Num; travel_time_index: Num; los: string; forecast: { at: string; congested_share: Num; los: string }[] }
export interface Expected { at: string; value: Num; lo90: Num; hi90: Num }
export interface Series { quantity: string; unit: string; points: { at: string; value: Num }[]; forecast: Expected[]; model: string; issued_at: string | null }
export interface Typical { unit: string; points: { at: string; value: Num }[] }
export interface AirValue { pollutant: string; unit: string; value: Num; age_s: Num; source: string; forecast: Expected[]; model: string }
export interface AirStation { station: string; values: AirValue[]; issued_at: string | null }
export interface AirZone { zone: string; values: AirValue[] }
export interface Sensor { id: string; segment: string; station: boolean; measures: { quantity: string }[] }
export interface Score { model: string; quantity: string; unit: string; minutes: number; count: number; mae: Num; coverage90: Num; width90: Num }
export interface Scenario { id: string; name: string; about: string; changes: number; created_at: string }
export interface Run { id: string; state: "queued" | "running" | "done" | "failed" | "cancelled"; scenarios: string[]; done: number; total: number; error?: string; comparison?: string }
export interface KPI { kpi: string; unit: string; base: Num; alt: Num; diff: Num; lo95: Num; hi95: Num; better: "yes" | "no" | "unclear" }
export interface Comparison { id: string; replications: number; wall_s: number; alternatives: { scenario: string; name: string; gridlock_share: number; kpis: KPI[] }[] }
export interface Optimisation {
  verdict: "improved" | "no_change"; base_delay_s: number; plan_delay_s: number; diff_s: Num; lo95_s: Num; hi95_s: Num; evaluations: number; cpu_s: number;
  changes: string[]; scenario?: string;
}
export interface ComparisonMap { alternatives: { scenario: string; base_speed_kmh: Num[]; alt_speed_kmh: Num[] }[] }

export interface AirGrid {
  issued_at: string; at: string; times: string[]; pollutant: string; background_ugm3: Num;
  weather: { source: "given" | "measured" | "assumed"; wind_ms: number; wind_from_deg: number };
  west: number[]; south: number[]; east: number[]; north: number[]; value: Num[];
}

interface Problem { title?: string; detail?: string; errors?: { location?: string; message?: string }[] }

/** Says what the service answered, with every problem it named. */
export class Refusal extends Error {
  constructor(status: number, p: Problem) {
    const lines = (p.errors ?? []).map((e) => [e.location, e.message].filter(Boolean).join(": "));
    super([p.detail ?? p.title ?? `HTTP ${status}`, ...lines].join("\n"));
  }
}

/** Asks for the API key once and keeps it as a cookie: tiles and event streams cannot send headers. */
function askForKey(): boolean {
  const key = window.prompt(t("key"))?.trim();
  if (key) document.cookie = `tideway_key=${encodeURIComponent(key)}; SameSite=Strict; path=/`;
  return Boolean(key);
}

export async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  if (init.body) headers.set("Content-Type", "application/json");
  let answer = await fetch(path, { ...init, headers });
  if (answer.status === 401 && path === "/v1/city" && askForKey()) answer = await fetch(path, { ...init, headers });
  if (!answer.ok) throw new Refusal(answer.status, await answer.json().catch(() => ({})));
  return answer.status === 204 ? (undefined as T) : answer.json();
}

const at = encodeURIComponent;
export const city = () => call<City>("/v1/city");
export const segments = () => call<{ segments: Segment[] }>("/v1/segments").then((l) => l.segments);
export const zones = () => call<{ zones: Zone[] }>("/v1/zones").then((l) => l.zones);
export const signals = () => call<{ signals: Signal[] }>("/v1/signals").then((l) => l.signals);
export const evaluate = (signal: string, edit: unknown) => call<Evaluation>(`/v1/signals/${at(signal)}/evaluate`, { method: "POST", body: JSON.stringify(edit) });
export const sensor = (id: string) => call<Sensor>(`/v1/sensors/${at(id)}`);
export const state = () => call<State>("/v1/state");
export const forecasts = () => call<Forecasts>("/v1/forecasts");
export const congestion = (id: string) => call<Congestion>(`/v1/congestion/segments/${at(id)}`);
export const zoneCongestion = () => call<{ zones: ZoneCongestion[] }>("/v1/congestion/zones").then((l) => l.zones);
export const segmentSeries = (id: string, quantity: string) => call<Series>(`/v1/segments/${at(id)}/series?quantity=${quantity}`);
export const segmentTypical = (id: string, quantity: string) => call<Typical>(`/v1/segments/${at(id)}/typical?quantity=${quantity}`);
export const sensorSeries = (id: string, quantity: string) => call<Series>(`/v1/sensors/${at(id)}/series?quantity=${quantity}`);
export const air = () => call<{ stations: AirStation[] }>("/v1/air").then((l) => l.stations);
export const airZones = () => call<{ zones: AirZone[] }>("/v1/air/zones").then((l) => l.zones);
export const airGrid = (pollutant: string, time: string | null) => call<AirGrid>(`/v1/air/grid?pollutant=${pollutant}${time ? `&at=${at(time)}` : ""}`);
export const skill = () => call<{ scores: Score[] }>("/v1/skill").then((l) => l.scores);
export const scenarios = () => call<{ scenarios: Scenario[] }>("/v1/scenarios").then((l) => l.scenarios);
export const addScenario = (document: unknown) => call<Scenario>("/v1/scenarios", { method: "POST", body: JSON.stringify(document) });
export const startRun = (scenario: string, replications: number) =>
  call<Run>("/v1/runs", { method: "POST", body: JSON.stringify({ scenarios: [scenario], replications }) });
export const run = (id: string) => call<Run>(`/v1/runs/${at(id)}`);
export const cancelRun = (id: string) => call<Run>(`/v1/runs/${at(id)}`, { method: "DELETE" });
export const comparison = (id: string) => call<Comparison>(`/v1/comparisons/${at(id)}`);
export const startOptimisation = (signals: string[], evaluations: number) =>
  call<Run>("/v1/optimisations", { method: "POST", body: JSON.stringify({ ...(signals.length ? { signals } : {}), evaluations }) });
export const optimisation = (id: string) => call<Optimisation>(`/v1/optimisations/${at(id)}`);
export const report = (comparison: string, form: "report" | "report.csv") => `/v1/comparisons/${at(comparison)}/${form}`;
export const comparisonMap = (id: string) => call<ComparisonMap>(`/v1/comparisons/${at(id)}/segments`);

/** Calls onRun with every change of a run until it has ended. */
export function followRun(id: string, onRun: (r: Run) => void): () => void {
  const source = new EventSource(`/v1/runs/${at(id)}/events`);
  source.addEventListener("run", (e) => {
    const r: Run = JSON.parse((e as MessageEvent).data);
    onRun(r);
    if (r.state !== "queued" && r.state !== "running") source.close();
  });
  return () => source.close();
}

/** Listens to the service's stream: onChange at every snapshot or forecast. */
export function listen(onChange: (kind: "snapshot" | "forecast" | "air") => void, onLink: (up: boolean) => void) {
  const source = new EventSource("/v1/stream");
  source.onopen = () => onLink(true);
  source.onerror = () => onLink(false);
  source.addEventListener("snapshot", () => onChange("snapshot"));
  source.addEventListener("reset", () => onChange("snapshot"));
  source.addEventListener("forecast", () => onChange("forecast"));
  source.addEventListener("air", () => onChange("air"));
}
