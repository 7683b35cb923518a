// The panel of scenarios: make one, run it, read the comparison.
import * as api from "./api";
import { h, table } from "./dom";
import { indicator, num, t, type Key } from "./i18n";

const kinds = ["signal.adjust", "segment.close", "segment.setSpeed", "demand.scale"] as const;
type Kind = (typeof kinds)[number];

export interface Lab {
  signals: api.Signal[];
  picked: () => string | null; // segment chosen on the map
  onMap: (alternative: { base: api.Num[]; alt: api.Num[] }) => void;
}

/** Fills host with the list of scenarios and the form for a new one. */
export async function scenariosPanel(host: HTMLElement, lab: Lab) {
  const list = await api.scenarios();
  const result = h("div");
  const rows = list.map((s) => ({ cells: [s.name || s.id.slice(0, 12), s.about, String(s.changes)], onPick: () => openScenario(result, s, lab) }));
  host.replaceChildren(
    list.length ? table([t("scenario.name"), t("scenario.about"), `#${t("scenario.changes")}`], rows) : h("p", { class: "note" }, t("nothing")),
    result,
    h("h3", {}, t("scenario.new")),
    form(lab, (added) => scenariosPanel(host, lab).then(() => openScenario(host.children[1] as HTMLElement, added, lab))),
    h("h3", {}, t("optimise")),
    optimiser(lab, (id) => scenariosPanel(host, lab).then(async () => {
      const found = (await api.scenarios()).find((s) => s.id === id);
      if (found) openScenario(host.children[1] as HTMLElement, found, lab);
    })),
  );
}

/** Fills host with a scenario that can be run. */
export function openScenario(host: HTMLElement, scenario: api.Scenario, lab: Lab) {
  const out = h("div");
  const replications = h("input", { type: "number", min: 2, max: 50, value: 5, "aria-label": t("scenario.replications") });
  const start = h("button", { class: "primary", type: "button", onclick: () => launch(out, scenario, Number(replications.value), lab, start) }, t("scenario.run"));
  host.replaceChildren(h("h3", {}, scenario.name || scenario.id), h("div", {}, t("scenario.replications"), " ", replications, " ", start), out);
}

async function launch(out: HTMLElement, scenario: api.Scenario, replications: number, lab: Lab, start: HTMLButtonElement) {
  start.disabled = true;
  try {
    const first = await api.startRun(scenario.id, replications);
    follow(out, first, (r) => r.comparison && comparison(out, r.comparison, lab));
  } catch (e) {
    out.replaceChildren(h("p", { class: "error" }, String((e as Error).message)));
  } finally {
    start.disabled = false;
  }
}

/** Shows a run's progress in out until it has ended, and calls onDone when it went well. */
function follow(out: HTMLElement, first: api.Run, onDone: (r: api.Run) => void) {
  const show = (r: api.Run) => {
    if (r.state === "done") return void onDone(r);
    const bar = h("progress", { max: Math.max(1, r.total), value: r.done });
    const stop = h("button", { type: "button", onclick: () => void api.cancelRun(r.id) }, t("scenario.cancel"));
    out.replaceChildren(h("p", { class: "note" }, `${t(`run.${r.state}` as Key)} ${r.done}/${r.total}`, r.error ? ` ${r.error}` : ""), bar, stop);
  };
  show(first);
  if (first.state === "queued" || first.state === "running") api.followRun(first.id, show);
}

/** The form that looks for better signal plans; onFound gets the scenario that holds them. */
function optimiser(lab: Lab, onFound: (scenario: string) => void): HTMLElement {
  const signal = h("select", { id: "optimise-signal" }, h("option", { value: "" }, t("optimise.all")), ...lab.signals.map((s) => h("option", { value: s.id }, s.id)));
  const evaluations = h("input", { type: "number", min: 20, max: 5000, value: 100 });
  const out = h("div");
  const start = h("button", { class: "primary", type: "submit", id: "optimise" }, t("optimise.start"));
  const f = h("form", { class: "change" }, h("label", {}, t("scenario.signal"), signal), h("label", {}, t("optimise.evaluations"), evaluations), start);
  f.addEventListener("submit", async (e) => {
    e.preventDefault();
    start.disabled = true;
    try {
      const first = await api.startOptimisation(signal.value ? [signal.value] : [], Number(evaluations.value));
      follow(out, first, async (r) => found(out, await api.optimisation(r.id), onFound));
    } catch (err) {
      out.replaceChildren(h("p", { class: "error" }, String((err as Error).message)));
    } finally {
      start.disabled = false;
    }
  });
  return h("div", {}, f, out);
}

function found(out: HTMLElement, o: api.Optimisation, onFound: (scenario: string) => void) {
  const interval = o.diff_s === null ? "" : ` (${num(o.diff_s, 1)} s, ${num(o.lo95_s, 1)} … ${num(o.hi95_s, 1)})`;
  out.replaceChildren(
    h("p", {}, t(`optimise.${o.verdict}` as Key)),
    h("p", { class: "note" }, `${t("delay")}: ${num(o.base_delay_s, 1)} → ${num(o.plan_delay_s, 1)} s${interval}`),
    h("ul", {}, ...o.changes.map((c) => h("li", {}, c))),
    o.scenario ? h("button", { type: "button", onclick: () => onFound(o.scenario!) }, t("optimise.open")) : "",
  );
}

/** Formats a number in three digits or so, whatever its size. */
const figure = (v: api.Num) => num(v, v === null || Math.abs(v) < 1 ? 3 : Math.abs(v) < 100 ? 1 : 0);

const verdict = { yes: "verdict.better", no: "verdict.worse", unclear: "verdict.none" } as const;

async function comparison(out: HTMLElement, id: string, lab: Lab) {
  const [c, map] = await Promise.all([api.comparison(id), api.comparisonMap(id).catch(() => null)]);
  out.replaceChildren();
  for (const alt of c.alternatives) {
    const colours = map?.alternatives.find((a) => a.scenario === alt.scenario);
    const rows = alt.kpis.map((k) => ({
      cells: [
        `${indicator(k.kpi)} (${k.unit})`, figure(k.base), figure(k.alt),
        { text: figure(k.diff), class: k.better === "yes" ? "better" : k.better === "no" ? "worse" : "" },
        { text: `${figure(k.lo95)} … ${figure(k.hi95)}`, class: "whole" }, t(verdict[k.better]),
      ],
    }));
    out.append(
      table([t("kpi"), `#${t("base")}`, `#${t("alternative")}`, `#${t("change")}`, `#${t("interval")}`, ""], rows),
      h("p", { class: "note" }, `${t("scenario.replications")}: ${c.replications} · ${t("seconds", { n: num(c.wall_s, 1) })}`),
      h("p", {}, h("a", { href: api.report(id, "report"), target: "_blank" }, t("report")), " · ", h("a", { href: api.report(id, "report.csv") }, "CSV")),
      colours ? h("button", { type: "button", onclick: () => lab.onMap({ base: colours.base_speed_kmh, alt: colours.alt_speed_kmh }) }, t("scenario.show")) : "",
    );
  }
}

function form(lab: Lab, onAdded: (s: api.Scenario) => void): HTMLElement {
  const kind = h("select", { id: "kind" }, ...kinds.map((k) => h("option", { value: k }, t(`kind.${k}` as Key))));
  const name = h("input", { id: "name", type: "text", required: true });
  const fields = h("div", { style: "display:contents" });
  const problem = h("p", { class: "error" });
  const f = h("form", { class: "change" },
    h("label", {}, t("scenario.name"), name), h("label", {}, t("scenario.kind"), kind), fields,
    h("button", { class: "primary", type: "submit" }, t("scenario.add")), problem);
  const fill = () => fields.replaceChildren(...inputs(kind.value as Kind, lab));
  kind.addEventListener("change", fill);
  fill();
  f.addEventListener("submit", async (e) => {
    e.preventDefault();
    problem.textContent = "";
    try {
      onAdded(await api.addScenario({ name: name.value, changes: [change(kind.value as Kind, new FormData(f))] }));
    } catch (err) {
      problem.textContent = String((err as Error).message);
    }
  });
  return f;
}

function inputs(kind: Kind, lab: Lab): Node[] {
  const field = (key: Key, input: HTMLElement) => h("label", {}, t(key), input);
  const number = (name: string, value: number, step = 1) => h("input", { name, type: "number", value, step });
  const segment = field("scenario.segment", h("input", { name: "segment", required: true, value: lab.picked() ?? "" }));
  switch (kind) {
    case "signal.adjust": {
      const stage = h("select", { name: "stage" });
      const signal = h("select", { name: "signal" }, ...lab.signals.map((s) => h("option", { value: s.id }, s.id)));
      const refill = () => {
        const s = lab.signals.find((x) => x.id === signal.value);
        const plan = s?.plans.find((p) => p.id === s.plan) ?? s?.plans[0];
        stage.replaceChildren(...(plan?.stages ?? []).map((st, i) => h("option", { value: i + 1 }, `${i + 1}: ${st.duration_s} s ${st.states}`)));
      };
      signal.addEventListener("change", refill);
      refill();
      return [field("scenario.signal", signal), field("scenario.stage", stage), field("scenario.split", number("split", 5)), field("scenario.offset", number("offset", 0))];
    }
    case "segment.close":
      return [segment];
    case "segment.setSpeed":
      return [segment, field("scenario.limit", number("limit", 30))];
    case "demand.scale":
      return [field("scenario.factor", number("factor", 1.1, 0.05))];
  }
}

/** Returns the operation of the scenario document that the form describes. */
export function change(kind: Kind, data: FormData): Record<string, unknown> {
  const n = (name: string) => Number(data.get(name));
  switch (kind) {
    case "signal.adjust":
      return {
        op: kind, select: { id: [data.get("signal")] },
        ...(n("split") ? { split: [{ stage: n("stage"), add_s: n("split") }] } : {}),
        ...(n("offset") ? { offset_add_s: n("offset") } : {}),
      };
    case "segment.close":
      return { op: kind, select: { id: [data.get("segment")] } };
    case "segment.setSpeed":
      return { op: kind, select: { id: [data.get("segment")] }, speed_kmh: n("limit") };
    case "demand.scale":
      return { op: kind, factor: n("factor") };
  }
}
