package scenarios

import "math"

// comparison sums a trial up.
func (t *trial) comparison() *Comparison {
	c := &Comparison{City: t.Base.City.Version, Engine: t.Engine, Seed: t.Seed, Replications: len(t.sides[0]), Base: t.sum(0)}
	var family []float64
	for i, alt := range t.Alternatives {
		a := Alternative{Scenario: alt.ID, Name: alt.Name, Changes: alt.Changes, Warnings: alt.Warnings, Side: t.sum(i + 1)}
		a.Identical = a.StateHash == c.Base.StateHash
		for k := range t.measures {
			kpi := t.kpi(i+1, k)
			a.KPIs = append(a.KPIs, kpi)
			family = append(family, float64(kpi.P))
		}
		a.Places = t.placeKPIs(i + 1)
		if t.air != nil {
			a.Air = t.airDiff(i + 1)
		}
		if t.Map {
			a.Segments = t.segments(i + 1)
		}
		c.Alternatives = append(c.Alternatives, a)
	}
	corrected := Holm(family)
	for i := range c.Alternatives {
		for k := range c.Alternatives[i].KPIs {
			kpi := &c.Alternatives[i].KPIs[k]
			kpi.PHolm = Number(corrected[i*len(t.measures)+k])
			kpi.Better = certain(kpi, Paired{Lo: float64(kpi.Lo95), Hi: float64(kpi.Hi95)})
		}
	}
	return c
}

func (t *trial) sum(side int) Side {
	var s Side
	var hashes [][]byte
	n := float64(len(t.sides[side]))
	for _, o := range t.sides[side] {
		if o.gridlocked {
			s.GridlockShare += 1 / n
		}
		s.Unfinished += o.unfinished / n
		s.Released += o.released / n
		hashes = append(hashes, []byte(o.hash))
	}
	s.StateHash = hashID(hashes...)
	return s
}

func (t *trial) kpi(side, k int) KPI {
	m := t.measures[k]
	base, alt := t.values(0, k), t.values(side, k)
	p := Pair(base, alt)
	return KPI{KPI: m.name, Unit: m.unit, Lower: !m.higher,
		Base: Number(p.Base), Alt: Number(p.Alt), Diff: Number(p.Diff), Lo95: Number(p.Lo), Hi95: Number(p.Hi), P: Number(p.P),
		VarianceRatio: Number(p.VarianceRatio), Test: p.Test,
		BaseMedian: Number(Median(known(base))), AltMedian: Number(Median(known(alt))),
		Bimodal: Bimodal(base) || Bimodal(alt)}
}

func known(v []float64) (out []float64) {
	for _, x := range v {
		if !math.IsNaN(x) {
			out = append(out, x)
		}
	}
	return out
}

// familyLevel is the chance of any false verdict among all of a comparison.
const familyLevel = 0.05

// certain is the verdict on an indicator: its interval lies on one side of 0,
// and it is still certain among all indicators of all alternatives that were
// looked at (Holm).
func certain(k *KPI, p Paired) Verdict {
	if !(float64(k.PHolm) <= familyLevel) {
		return Unclear
	}
	return verdict(p, !k.Lower)
}

// verdict reads the interval: it must lie on one side of 0.
func verdict(p Paired, higher bool) Verdict {
	lo, hi := p.Lo, p.Hi
	if higher {
		lo, hi = -hi, -lo
	}
	switch {
	case hi < 0:
		return Better
	case lo > 0:
		return Worse
	}
	return Unclear
}

// segments returns the means over replications per segment.
func (t *trial) segments(side int) *SegmentDiff {
	mean := func(side int, of func(*outcome) []float32) []float32 {
		out := make([]float32, len(of(&t.sides[side][0])))
		for i := range out {
			var sum float64
			for r := range t.sides[side] {
				sum += float64(of(&t.sides[side][r])[i])
			}
			out[i] = float32(sum / float64(len(t.sides[side])))
		}
		return out
	}
	speed, delay, flow := func(o *outcome) []float32 { return o.speed }, func(o *outcome) []float32 { return o.delay }, func(o *outcome) []float32 { return o.flow }
	return &SegmentDiff{BaseSpeedKMH: mean(0, speed), AltSpeedKMH: mean(side, speed), BaseDelayS: mean(0, delay), AltDelayS: mean(side, delay),
		BaseFlowVPH: mean(0, flow), AltFlowVPH: mean(side, flow)}
}
