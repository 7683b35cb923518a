package signal

import (
	"errors"
	"math"
	"time"
)

// ArterySignal is one signal of a two-way artery at a common cycle, outbound
// order. Greens begin at the given time after the signal's own cycle begins.
type ArterySignal struct {
	Out, In GreenWindow
	ToNext  time.Duration // outbound travel time to the next signal
	ToPrev  time.Duration // inbound travel time from the next signal back to this one
}

// GreenWindow is the through green of one direction.
type GreenWindow struct {
	Begin    time.Duration
	Duration time.Duration
	Queue    time.Duration // at the begin of green, to clear waiting vehicles: not usable for the band
}

// Band is the answer: an offset per signal and the width of the green wave in
// each direction.
type Band struct {
	Offsets []time.Duration // of each signal's cycle begin, modulo the cycle
	Out, In time.Duration
}

// MaxBand returns the offsets of the widest two-way band, weighing the inbound
// band with k (1: only the sum counts, then bands as equal as possible; above 1
// prefers inbound). Exact for the given cycle, greens and travel times: with
// bands b and b̄, signal i can serve them iff the phase between them lies on an arc
// of length g+ḡ−(b+b̄), so only the sum matters and the best phase begins one of
// the arcs. It takes n² steps. Same objective as Little, Kelson, Gartner (1981)
// without their choice of cycle and left-turn pattern, for which call it per
// candidate.
func MaxBand(cycle time.Duration, signals []ArterySignal, k float64) (Band, error) {
	if cycle <= 0 || len(signals) == 0 {
		return Band{}, errors.New("an artery needs a positive cycle and at least one signal")
	}
	arcs, outMax, inMax := arteryArcs(cycle, signals)
	best, phase := math.Inf(-1), 0.0
	for _, a := range arcs {
		if sum := sumAt(arcs, a.begin, cycle.Seconds()); sum > best {
			best, phase = sum, a.begin
		}
	}
	out, in := divide(math.Max(0, math.Min(best, outMax+inMax)), outMax, inMax, k)
	return Band{Out: seconds(out), In: seconds(in), Offsets: offsets(cycle, arcs, phase, out, in)}, nil
}

// arc is one signal in the frame that moves with the bands: outbound green
// begins at out, inbound green at in (seconds, offset 0), and the phase φ−b may
// lie from begin over length−(b+b̄).
type arc struct {
	out, in, outGreen, inGreen float64
	begin, length              float64
}

func arteryArcs(cycle time.Duration, signals []ArterySignal) (arcs []arc, outMax, inMax float64) {
	c := cycle.Seconds()
	outMax, inMax = c, c
	var there, back float64
	for _, s := range signals {
		a := arc{
			out: (s.Out.Begin + s.Out.Queue).Seconds() - there, outGreen: (s.Out.Duration - s.Out.Queue).Seconds(),
			in: (s.In.Begin + s.In.Queue).Seconds() + back, inGreen: (s.In.Duration - s.In.Queue).Seconds(),
		}
		a.length = a.outGreen + a.inGreen
		a.begin = modulo(a.in-a.out-a.outGreen, c)
		arcs = append(arcs, a)
		outMax, inMax = math.Min(outMax, a.outGreen), math.Min(inMax, a.inGreen)
		there += s.ToNext.Seconds()
		back += s.ToPrev.Seconds()
	}
	return arcs, math.Max(0, outMax), math.Max(0, inMax)
}

// sumAt returns the widest b+b̄ that every signal serves at a phase.
func sumAt(arcs []arc, phase, cycle float64) float64 {
	sum := math.Inf(1)
	for _, a := range arcs {
		sum = math.Min(sum, a.length-modulo(phase-a.begin, cycle))
	}
	return sum
}

// divide splits the sum of the bands by the weight of the inbound one.
func divide(sum, outMax, inMax, k float64) (out, in float64) {
	switch {
	case k > 1:
		in = math.Min(sum, inMax)
		return math.Min(sum-in, outMax), in
	case k < 1:
		out = math.Min(sum, outMax)
		return out, math.Min(sum-out, inMax)
	}
	out = math.Min(outMax, math.Max(sum/2, sum-inMax))
	return out, math.Min(inMax, sum-out)
}

// offsets places every signal so that the outbound band [0, out] lies in its
// outbound green and the inbound band [phase+out, ...] in its inbound green.
func offsets(cycle time.Duration, arcs []arc, phase, out, in float64) []time.Duration {
	c := cycle.Seconds()
	list := make([]time.Duration, len(arcs))
	for i, a := range arcs {
		// θ in [out−g−o, −o] for outbound; the latest that also serves inbound.
		lead := modulo(phase-a.begin, c) // how far the phase lies into the arc
		latest := -a.out
		theta := latest - math.Max(0, a.outGreen-out-lead)
		list[i] = seconds(modulo(theta, c))
	}
	if len(list) > 0 {
		first := list[0]
		for i := range list {
			list[i] = (list[i] - first + cycle) % cycle
		}
	}
	return list
}

func modulo(v, m float64) float64 {
	r := math.Mod(v, m)
	if r < 0 {
		r += m
	}
	return r
}
