// A signal plan while it is edited: what can be dragged, and what a
// signal.adjust has to say. Rules and results come from the service.
import type * as api from "./api";

/** One block of the diagram: a stage, or a phase of a ring. */
export interface Block {
  label: string;
  ring: number; // row of the diagram, from 0
  barrier: number; // 0 for stages
  seconds: number;
  was: number;
  least: number; // 0: a clearance, which keeps its length
  clear: number; // yellow and all-red at its end, of a phase
  ref: { stage: number } | { phase: number };
}

/** A place where seconds go from the blocks before it to those after it. */
export interface Handle { at: number; ring: number | null; before: number[]; after: number[] }

export interface Timing { plan: string; kind: string; cycle: number; cycleWas: number; offset: number; offsetWas: number; blocks: Block[] }

/** Returns a plan ready to be edited; least is the evaluation's least_s. */
export function timing(plan: api.Plan, least: number[]): Timing {
  const stages: Block[] = plan.stages.map((s, i) => ({ label: String(i + 1), ring: 0, barrier: 0, seconds: s.duration_s, was: s.duration_s, least: least[i], clear: 0, ref: { stage: i + 1 } }));
  const phases: Block[] = plan.phases.map((p, i) => ({ label: `φ${p.phase}`, ring: p.ring - 1, barrier: p.barrier, seconds: p.split_s, was: p.split_s, least: least[i], clear: p.yellow_s + p.all_red_s, ref: { phase: p.phase } }));
  const order = new Map(plan.phases.map((p, i) => [phases[i], p.position]));
  phases.sort((a, b) => a.ring - b.ring || a.barrier - b.barrier || order.get(a)! - order.get(b)!);
  return { plan: plan.id, kind: plan.kind, cycle: plan.cycle_s, cycleWas: plan.cycle_s, offset: plan.offset_s, offsetWas: plan.offset_s, blocks: phases.length ? phases : stages };
}

/** Takes over what the service made of an edit, such as greens scaled to a new cycle. */
export function adopt(t: Timing, plan: api.Plan): Timing {
  const seconds = (b: Block) => ("stage" in b.ref ? plan.stages[b.ref.stage - 1].duration_s : plan.phases.find((p) => p.phase === (b.ref as { phase: number }).phase)!.split_s);
  return { ...t, cycle: plan.cycle_s, offset: plan.offset_s, blocks: t.blocks.map((b) => ({ ...b, seconds: seconds(b) })) };
}

/** Returns when every block begins; rings wait for each other at barriers. */
export function begins(t: Timing): number[] {
  const out = new Array<number>(t.blocks.length).fill(0);
  let at = 0;
  for (const barrier of barriers(t)) {
    const ends = rings(t).map((ring) => {
      let end = at;
      t.blocks.forEach((b, i) => {
        if (b.ring !== ring || b.barrier !== barrier) return;
        out[i] = end;
        end += b.seconds;
      });
      return end;
    });
    at = Math.max(...ends);
  }
  return out;
}

export const rings = (t: Timing) => [...new Set(t.blocks.map((b) => b.ring))].sort((a, b) => a - b);
const barriers = (t: Timing) => [...new Set(t.blocks.map((b) => b.barrier))].sort((a, b) => a - b);

/** Returns the cycle that the blocks make: the longest ring of every barrier. */
export function cycleOf(t: Timing): number {
  const start = begins(t);
  return Math.max(0, ...t.blocks.map((b, i) => start[i] + b.seconds));
}

/** Returns what can be dragged: between greens of a ring, and at barriers in all rings at once. */
export function handles(t: Timing): Handle[] {
  const start = begins(t), out: Handle[] = [];
  const end = (i: number) => start[i] + t.blocks[i].seconds;
  for (const ring of rings(t)) {
    const greens = t.blocks.map((_, i) => i).filter((i) => t.blocks[i].ring === ring && t.blocks[i].least > 0);
    greens.slice(1).forEach((next, k) => {
      if (t.blocks[greens[k]].barrier === t.blocks[next].barrier) out.push({ at: end(greens[k]), ring, before: [greens[k]], after: [next] });
    });
  }
  barriers(t).slice(1).forEach((barrier, k) => {
    const before = edge(t, barriers(t)[k], -1), after = edge(t, barrier, 0);
    if (before.length && after.length) out.push({ at: Math.max(...before.map(end)), ring: null, before, after });
  });
  return out;
}

/** Returns the first (0) or last (-1) block of every ring within a barrier. */
function edge(t: Timing, barrier: number, which: 0 | -1): number[] {
  return rings(t).map((ring) => t.blocks.map((_, i) => i).filter((i) => t.blocks[i].ring === ring && t.blocks[i].barrier === barrier).at(which)).filter((i) => i !== undefined);
}

/** Moves a handle by whole seconds, as far as the shortest greens allow. */
export function move(t: Timing, h: Handle, by: number): Timing {
  const spare = (list: number[]) => Math.max(0, Math.floor(Math.min(...list.map((i) => t.blocks[i].seconds - t.blocks[i].least))));
  const d = Math.max(-spare(h.before), Math.min(spare(h.after), Math.round(by)));
  return { ...t, blocks: t.blocks.map((b, i) => ({ ...b, seconds: b.seconds + (h.before.includes(i) ? d : 0) - (h.after.includes(i) ? d : 0) })) };
}

/** Sets one block; the cycle becomes what the blocks make. */
export function set(t: Timing, block: number, seconds: number): Timing {
  const next = { ...t, blocks: t.blocks.map((b, i) => (i === block ? { ...b, seconds } : b)) };
  return { ...next, cycle: cycleOf(next) };
}

/** Returns the arguments of the signal.adjust that makes the edit of the plan as it was. */
export function adjust(t: Timing): Record<string, unknown> {
  const split = t.blocks.filter((b) => b.seconds !== b.was).map((b) => ({ ...b.ref, duration_s: b.seconds }));
  return {
    plan: t.plan,
    ...(split.length ? { split } : {}),
    ...(t.cycle !== t.cycleWas ? { cycle_s: t.cycle } : {}),
    ...(t.offset !== t.offsetWas ? { offset_s: t.offset } : {}),
  };
}

/** Whether anything differs from the plan as it was. */
export const changed = (t: Timing) => Object.keys(adjust(t)).length > 1;
