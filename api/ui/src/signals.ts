// The panel of signals: a list, and the editor of one signal's plan. Every edit
// is worked out by the service at once; what is kept becomes a scenario.
import * as api from "./api";
import { badge, draw } from "./diagram";
import { h, table } from "./dom";
import { num, t, type Key } from "./i18n";
import { openScenario, type Lab } from "./scenarios";
import { adjust, adopt, changed, set, timing, type Timing } from "./timing";

export interface Signals {
  lab: Lab;
  segments: api.Segment[];
  open: (signal: string | null) => void;
}

/** Fills host with the list of signals. */
export function signalsPanel(host: HTMLElement, s: Signals) {
  const rows = s.lab.signals.map((x) => {
    const plan = inForce(x);
    return { cells: [x.id, streets(x, s.segments), plan ? t(`signal.${plan.kind}` as Key) : "–", plan ? num(plan.cycle_s) : "–"], onPick: () => s.open(x.id) };
  });
  host.replaceChildren(h("p", { class: "note" }, t("signal.pick")), rows.length ? table([t("scenario.signal"), t("signal.streets"), t("signal.kind"), `#${t("signal.cycle")}`], rows) : "");
}

const inForce = (s: api.Signal) => s.plans.find((p) => p.id === s.plan) ?? s.plans[0];

const streets = (s: api.Signal, segments: api.Segment[]) =>
  [...new Set(s.segments.map((id) => segments.find((x) => x.id === id)?.name).filter(Boolean))].join(" · ");

/** Fills host with the editor of a signal. */
export async function signalEditor(host: HTMLElement, id: string, s: Signals) {
  const signal = s.lab.signals.find((x) => x.id === id);
  if (!signal || !inForce(signal)) return host.replaceChildren(h("p", { class: "note" }, t("nothing")));
  host.replaceChildren(h("p", { class: "note" }, t("signal.counting")));
  const e = new Editor(host, signal, s);
  await e.begin();
}

class Editor {
  private timing!: Timing;
  private before!: api.Evaluation;
  private result!: api.Evaluation;
  private given = new Map<string, api.TurnVolume>();
  private from = "demand";
  private busy = false; // a question is under way
  private again = false; // the plan has changed since it was asked
  private settled = true; // nothing is being dragged
  private readonly parts = { verdict: h("div", { class: "verdict" }), diagram: h("div"), splits: h("div", { class: "splits" }), findings: h("div"), turns: h("div"), problem: h("p", { class: "error" }), saved: h("div") };

  constructor(private host: HTMLElement, private signal: api.Signal, private s: Signals) {}

  /** Opens a plan of the signal as it is: the one in force when runs begin unless named. */
  async begin(plan?: string) {
    this.before = this.result = await api.evaluate(this.signal.id, { ...(plan ? { plan } : {}), ...this.traffic() });
    this.timing = timing(this.before.plan, this.before.least_s);
    this.frame();
    this.show();
    this.splits();
    this.volumes();
  }

  private traffic() {
    return { volumes_from: this.from, ...(this.given.size ? { volumes: [...this.given.values()] } : {}) };
  }

  /** The parts that stay while the plan is edited. */
  private frame() {
    const p = this.parts;
    const plans = h("select", { id: "signal-plan", "aria-label": t("signal.plan") }, ...this.signal.plans.map((x) => h("option", { value: x.id, selected: x.id === this.timing.plan }, x.id)));
    plans.addEventListener("change", () => void this.begin(plans.value));
    const from = h("select", { id: "signal-volumes" }, ...["demand", "now", "forecast"].map((v) => h("option", { value: v, selected: v === this.from }, t(`signal.from.${v}` as Key))));
    from.addEventListener("change", () => {
      this.from = from.value;
      void this.reconsider();
    });
    this.host.replaceChildren(
      h("div", { class: "crumbs" }, h("button", { type: "button", onclick: () => this.s.open(null) }, `‹ ${t("tab.signals")}`)),
      h("h2", {}, `${t("scenario.signal")} ${this.signal.id}`), h("div", { class: "note" }, streets(this.signal, this.s.segments)),
      h("div", { class: "choices" }, h("label", {}, t("signal.plan"), plans), h("label", {}, t("signal.volumes"), from)),
      p.verdict, p.diagram, p.problem, p.findings, p.splits, this.saver(), p.saved, h("p", { class: "note" }, t("signal.hint")), p.turns,
    );
    p.saved.replaceChildren();
  }

  /** Another traffic: the plan as it was is judged anew, too. */
  private async reconsider() {
    try {
      this.before = await api.evaluate(this.signal.id, { plan: this.timing.plan, ...this.traffic() });
      await this.evaluate();
      this.volumes();
    } catch (e) {
      this.refuse(e);
    }
  }

  private refuse(e: unknown) {
    this.parts.problem.textContent = String((e as Error).message ?? e);
  }

  /** Has the plan on screen worked out: one question at a time, and after it the newest edit. */
  private async evaluate(settled = true) {
    this.settled = settled;
    this.again = true;
    if (this.busy) return;
    this.busy = true;
    while (this.again) {
      this.again = false;
      await this.ask().catch((e) => this.refuse(e));
    }
    this.busy = false;
  }

  private async ask() {
    this.result = await api.evaluate(this.signal.id, { ...adjust(this.timing), ...this.traffic() });
    this.parts.problem.textContent = "";
    if (this.settled && !this.again) {
      this.timing = adopt(this.timing, this.result.plan);
      this.splits();
    }
    this.show();
  }

  private edit(next: Timing, settled = true) {
    this.timing = next;
    this.show();
    if (settled) this.splits();
    void this.evaluate(settled);
  }

  private show() {
    const name = (id: string) => approach(this.s.segments.find((x) => x.id === id), id);
    draw(this.parts.diagram, { timing: this.timing, result: this.result, before: this.before, name }, { onMove: (next, settled) => this.edit(next, settled) });
    this.verdict();
    this.findings();
    this.host.querySelector<HTMLButtonElement>("#signal-save")!.disabled = !changed(this.timing) || this.result.findings.some((f) => f.refused);
  }

  /** The junction in one line: before and now. */
  private verdict() {
    const { before: b, result: r } = this, better = r.delay_s < b.delay_s - 0.05, worse = r.delay_s > b.delay_s + 0.05;
    this.parts.verdict.replaceChildren(
      badge(r.los),
      figure(t("signal.meandelay"), `${num(r.delay_s, 1)} s`, `${num(b.delay_s, 1)} s`, better ? "better" : worse ? "worse" : ""),
      figure(t("signal.maxx"), num(r.saturation, 2), num(b.saturation, 2), (r.saturation ?? 9) > 1 ? "worse" : ""),
      figure(t("signal.cycle"), `${num(this.timing.cycle, 1)} s`, `${num(this.timing.cycleWas, 1)} s`, ""),
    );
  }

  /** Greens, cycle and offset to type. */
  private splits() {
    const inside = this.parts.splits.contains(document.activeElement) ? document.activeElement!.id : "";
    const field = (id: string, label: string, value: number, least: number, onSet: (v: number) => void) => {
      const input = h("input", { id, type: "number", min: least, step: "any", value: Math.round(value * 10) / 10 });
      input.addEventListener("change", () => Number.isFinite(input.valueAsNumber) && onSet(input.valueAsNumber));
      return h("label", {}, label, input);
    };
    const blocks = this.timing.blocks.flatMap((b, i) =>
      b.least > 0 ? [field(`split-${i}`, `${"stage" in b.ref ? t("scenario.stage") : t("signal.phase")} ${b.label} ≥ ${num(b.least, 1)}`, b.seconds, b.least, (v) => this.edit(set(this.timing, i, v)))] : []);
    this.parts.splits.replaceChildren(...blocks,
      field("signal-cycle", t("signal.cycle"), this.timing.cycle, 20, (v) => this.edit({ ...this.timing, cycle: v })),
      field("signal-offset", t("scenario.offset"), this.timing.offset, 0, (v) => this.edit({ ...this.timing, offset: v })));
    if (inside) document.getElementById(inside)?.focus();
  }

  private findings() {
    const line = (f: api.Finding) => h("li", {}, h("b", {}, t(`rule.${f.rule}` as Key)), ` ${f.message}`);
    const refused = this.result.findings.filter((f) => f.refused), advice = this.result.findings.filter((f) => !f.refused);
    const open = this.parts.findings.querySelector("details")?.open ?? false;
    this.parts.findings.replaceChildren(
      refused.length ? h("ul", { class: "error", role: "alert" }, ...refused.map(line)) : "",
      advice.length ? h("details", { open }, h("summary", {}, t("signal.advice", { n: advice.length })), h("ul", { class: "note" }, ...advice.map(line))) : "",
    );
  }

  /** The volumes that were used, to be overwritten. */
  private volumes() {
    const rows = this.result.turns.map((x) => {
      const input = h("input", { type: "number", min: 0, step: 10, value: Math.round(x.flow_vph), "aria-label": `${x.from} → ${x.to}` });
      input.addEventListener("change", () => {
        this.given.set(`${x.from} ${x.to}`, { from: x.from, to: x.to, flow_vph: input.valueAsNumber || 0 });
        void this.reconsider();
      });
      const name = (id: string) => approach(this.s.segments.find((y) => y.id === id), id);
      return h("tr", {}, h("td", {}, `${name(x.from)} → ${name(x.to)}`), h("td", {}, t(`signal.source.${x.source}` as Key)), h("td", { class: "n" }, input));
    });
    const open = this.parts.turns.querySelector("details")?.open ?? this.result.turns.every((x) => x.flow_vph === 0);
    this.parts.turns.replaceChildren(h("details", { open }, h("summary", {}, t("signal.turns")), h("table", { class: "turns" }, h("tbody", {}, ...rows))));
  }

  private saver(): HTMLElement {
    const name = h("input", { id: "signal-name", type: "text", value: `${t("scenario.signal")} ${this.signal.id}`, "aria-label": t("scenario.name") });
    const save = h("button", { class: "primary", type: "submit", id: "signal-save", disabled: true }, t("signal.save"));
    const form = h("form", { class: "save" }, name, save, h("button", { type: "button", onclick: () => void this.begin(this.timing.plan) }, t("signal.reset")));
    form.addEventListener("submit", async (e) => {
      e.preventDefault();
      try {
        const added = await api.addScenario({ name: name.value, changes: [{ op: "signal.adjust", select: { id: [this.signal.id] }, ...adjust(this.timing) }] });
        openScenario(this.parts.saved, added, this.s.lab);
      } catch (err) {
        this.refuse(err);
      }
    });
    return form;
  }
}

function figure(label: string, now: string, was: string, verdict: string): HTMLElement {
  return h("div", { class: "figure" }, h("small", {}, label), h("b", { class: verdict }, now), h("small", {}, now === was ? " " : `${t("signal.before")} ${was}`));
}

/** A street with the direction it is driven in. */
function approach(s: api.Segment | undefined, id: string): string {
  if (!s) return id;
  const points = t("compass").split(" ");
  return `${s.name || id} ${points[Math.round((((s.heading_deg % 360) + 360) % 360) / 45) % 8]}`;
}
