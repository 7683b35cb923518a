// The diagram of a signal plan over one cycle: blocks that can be dragged on top
// (stages, or the phases of every ring), below them what every lane group sees,
// with its results beside it.
import type * as api from "./api";
import { los } from "./colour";
import { h } from "./dom";
import { num, t } from "./i18n";
import { begins, handles, move, rings, type Handle, type Timing } from "./timing";

export interface Drawing {
  timing: Timing;
  result: api.Evaluation;
  before: api.Evaluation; // of the plan as it was
  name: (segment: string) => string;
}

export interface Moves {
  /** A handle was moved; settled is false while it is still being dragged. */
  onMove: (t: Timing, settled: boolean) => void;
}

const percent = (seconds: number, cycle: number) => `${(100 * seconds) / Math.max(cycle, 1)}%`;

/** Draws the diagram into host and keeps the keyboard where it was. */
export function draw(host: HTMLElement, d: Drawing, moves: Moves) {
  const focused = host.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset.handle : undefined;
  host.replaceChildren(h("div", { class: "timing" }, ...head(d.timing), ...blockRows(d.timing, moves), ...groupRows(d)));
  if (focused) host.querySelector<HTMLElement>(`[data-handle="${focused}"]`)?.focus();
}

function head(tm: Timing): HTMLElement[] {
  const step = tm.cycle > 150 ? 30 : tm.cycle > 70 ? 20 : 10;
  const ticks = Array.from({ length: Math.floor(tm.cycle / step) + 1 }, (_, i) => i * step);
  return [
    h("span", {}), h("div", { class: "axis" }, ...ticks.map((s) => h("span", { style: `left:${percent(s, tm.cycle)}` }, String(s)))),
    h("span", { class: "n head" }, t("signal.x")), h("span", { class: "n head" }, t("signal.delay")), h("span", { class: "head" }, t("signal.los")),
  ];
}

/** One row per ring, or the row of stages; handles lie over their ends. */
function blockRows(tm: Timing, moves: Moves): HTMLElement[] {
  const start = begins(tm), all = handles(tm), rows = rings(tm);
  const ringed = tm.kind === "ring_barrier";
  return rows.flatMap((ring, row) => {
    const bar = h("div", { class: "bar blocks" });
    tm.blocks.forEach((b, i) => {
      if (b.ring !== ring) return;
      const place = `left:${percent(start[i], tm.cycle)};width:${percent(b.seconds, tm.cycle)}`;
      const green = h("i", { style: `width:${percent(b.seconds - b.clear, b.seconds)}` });
      const text = b.least > 0 ? h("b", {}, b.label, " ", h("small", {}, num(b.seconds, 1))) : "";
      bar.append(h("div", { class: `block${b.least > 0 ? "" : " clear"}${b.seconds < b.least ? " short" : ""}`, style: place, title: `${b.label}: ${num(b.seconds, 1)} s` }, b.least > 0 ? green : "", text));
    });
    all.forEach((handle, i) => {
      if (handle.ring === ring || (handle.ring === null && row === 0)) bar.append(grip(tm, handle, i, rows.length, moves));
    });
    return [h("span", { class: "label" }, ringed ? t("signal.ring", { n: ring + 1 }) : t("signal.stages")), bar, h("span", {}), h("span", {}), h("span", {})];
  });
}

/** A handle: dragged with the pointer, or moved with the arrow keys. */
function grip(tm: Timing, handle: Handle, index: number, rows: number, moves: Moves): HTMLElement {
  const before = tm.blocks[handle.before[0]];
  const g = h("button", {
    type: "button", class: `grip${handle.ring === null ? " barrier" : ""}`, role: "slider", "data-handle": index, style: `left:${percent(handle.at, tm.cycle)};--rows:${handle.ring === null ? rows : 1}`,
    "aria-label": t("signal.handle", { block: handle.before.map((i) => tm.blocks[i].label).join(" + ") }),
    "aria-valuenow": before.seconds, "aria-valuemin": before.least, "aria-valuetext": t("seconds", { n: num(before.seconds, 1) }),
  });
  g.addEventListener("keydown", (e) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -5, PageUp: 5 }[e.key];
    if (by === undefined) return;
    e.preventDefault();
    moves.onMove(move(tm, handle, by), true);
  });
  g.addEventListener("pointerdown", (e) => drag(e, g.parentElement!, tm, handle, moves));
  return g;
}

function drag(e: PointerEvent, bar: HTMLElement, tm: Timing, handle: Handle, moves: Moves) {
  e.preventDefault();
  (e.currentTarget as HTMLElement).focus();
  const scale = tm.cycle / bar.clientWidth, from = e.clientX;
  const seconds = (x: PointerEvent) => (x.clientX - from) * scale;
  const onMove = (x: PointerEvent) => moves.onMove(move(tm, handle, seconds(x)), false);
  const onUp = (x: PointerEvent) => {
    window.removeEventListener("pointermove", onMove);
    window.removeEventListener("pointerup", onUp);
    moves.onMove(move(tm, handle, seconds(x)), true);
  };
  window.addEventListener("pointermove", onMove);
  window.addEventListener("pointerup", onUp);
}

const arrows: Record<string, string> = { straight: "↑", right: "↱", left: "↰", slight_right: "↗", slight_left: "↖", uturn: "↶" };

/** One row per lane group: what it sees, and how it does. */
function groupRows(d: Drawing): HTMLElement[] {
  const before = new Map(d.before.groups.map((g) => [key(g), g]));
  let last = "";
  return d.result.groups.flatMap((g) => {
    const turns = g.turns.map((i) => d.result.turns[i]);
    const heading = g.approach === last ? [] : [h("span", { class: "approach" }, d.name(g.approach))];
    last = g.approach;
    const label = h("span", { class: "label", title: turns.map((x) => `${arrows[x.turn]} ${x.to}`).join(", ") },
      h("span", { class: "arrows" }, turns.map((x) => arrows[x.turn]).join("")), h("small", {}, `${num(g.flow_vph)} ${t("signal.vph")}`));
    return [...heading, label, h("div", { class: "bar" }, ...seen(d.result, turns[0]?.groups[0] ?? 0)), ...figures(g, before.get(key(g)))];
  });
}

const key = (g: api.LaneGroup) => `${g.approach} ${g.lanes.join()}`;

/** What a signal group shows over the cycle. */
function seen(e: api.Evaluation, group: number): HTMLElement[] {
  let at = 0;
  return e.shown.flatMap((s) => {
    const begin = at;
    at += s.duration_s;
    const state = { G: "go", g: "yields", y: "yellow", u: "yellow", o: "yields", O: "yields" }[s.states[group]];
    return state ? [h("div", { class: `see ${state}`, style: `left:${percent(begin, e.plan.cycle_s)};width:${percent(s.duration_s, e.plan.cycle_s)}` })] : [];
  });
}

function figures(g: api.LaneGroup, was: api.LaneGroup | undefined): HTMLElement[] {
  const trend = (now: api.Num, then: api.Num | undefined) => (now === null || then === null || then === undefined || Math.abs(now - then) < 0.05 * Math.max(1, Math.abs(then)) ? "" : now < then ? " better" : " worse");
  return [
    h("span", { class: `n${g.saturation !== null && g.saturation > 1 ? " worse" : ""}` }, num(g.saturation, 2)),
    h("span", { class: `n${trend(g.delay_s, was?.delay_s)}`, title: was ? `${t("signal.before")}: ${num(was.delay_s, 1)} s` : "" }, num(g.delay_s, 1)),
    badge(g.los),
  ];
}

/** The letter of a level of service on its colour. */
export function badge(letter: string): HTMLElement {
  return h("span", { class: `los${letter === "C" ? " dark" : ""}`, style: `background:${los.find((s) => s.label === letter)?.colour ?? "#5b6b7c"}` }, letter);
}
