package forecast

import (
	"cmp"
	"math"
	"slices"

	"tideway/unit"
)

// kinship tells which sensed segments speak for one without sensors: the
// nearest by driving distance, up- or downstream. On loop detectors driving
// distance beats the straight line by a quarter to a third, as the opposite
// carriageway is near but another road.
type kinship struct {
	begin  []int32
	source []int32
	weight []float32
	noise  []float32 // standard deviation of the ratio to free flow left at that distance
}

const (
	kinCount = 5                  // sources per segment
	kinReach = 5 * unit.Kilometre // beyond it nothing is said
	kinFloor = .1                 // of the graph's scale, added to distances
	kinPower = 2                  // of the inverse distance
	kinNoise = .22                // standard deviation of the ratio between unrelated roads
)

// kin is a source of a segment.
type kin struct {
	source int32
	distM  float32
}

// newKinship finds the sources of every place that is not one itself.
func newKinship(g *Graph, sources []bool) *kinship {
	reach := max(kinReach, 12*g.scale)
	down, up := nearestSources(g, sources, reach), nearestSources(g.reverse(), sources, reach)
	k := &kinship{begin: make([]int32, g.Places()+1)}
	for p := range g.Places() {
		if !sources[p] {
			k.add(merged(down[p], up[p]), g.scale)
		}
		k.begin[p+1] = int32(len(k.source))
	}
	return k
}

func (k *kinship) add(kins []kin, scale unit.Length) {
	for _, n := range kins {
		d := float64(n.distM) / scale.M()
		k.source = append(k.source, n.source)
		k.weight = append(k.weight, float32(math.Pow(d+kinFloor, -kinPower)))
		k.noise = append(k.noise, float32(kinNoise*math.Sqrt(1-math.Exp(-d))))
	}
}

// merged returns the nearest distinct sources of two lists, by distance.
func merged(a, b []kin) []kin {
	out := slices.Concat(a, b)
	slices.SortFunc(out, func(x, y kin) int { return cmp.Or(cmp.Compare(x.distM, y.distM), cmp.Compare(x.source, y.source)) })
	kept := out[:0]
	for _, n := range out {
		if len(kept) < kinCount && !slices.ContainsFunc(kept, func(o kin) bool { return o.source == n.source }) {
			kept = append(kept, n)
		}
	}
	return kept
}

// nearestSources returns for every place the nearest sources from which it can
// be reached: one search from all sources at once, in which a place is passed
// by at most kinCount of them. Cost: kinCount × arcs × log.
func nearestSources(g *Graph, sources []bool, reach unit.Length) [][]kin {
	found := make([][]kin, g.Places())
	var heap kinHeap
	for p, is := range sources {
		if is {
			heap.push(kinAt{int32(p), kin{int32(p), 0}})
		}
	}
	for len(heap) > 0 {
		top := heap.pop()
		at := found[top.place]
		if len(at) == kinCount || slices.ContainsFunc(at, func(o kin) bool { return o.source == top.source }) {
			continue
		}
		found[top.place] = append(at, top.kin)
		for a := g.begin[top.place]; a < g.begin[top.place+1]; a++ {
			if d := top.distM + g.distM[a]; d <= float32(reach) {
				heap.push(kinAt{g.to[a], kin{top.source, d}})
			}
		}
	}
	return found
}

// kinAt is a source on its way through a place.
type kinAt struct {
	place int32
	kin
}

func (a kinAt) before(b kinAt) bool {
	return cmp.Or(cmp.Compare(a.distM, b.distM), cmp.Compare(a.source, b.source), cmp.Compare(a.place, b.place)) < 0
}

type kinHeap []kinAt

func (h *kinHeap) push(x kinAt) {
	*h = append(*h, x)
	s := *h
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if !s[i].before(s[up]) {
			break
		}
		s[i], s[up] = s[up], s[i]
		i = up
	}
}

func (h *kinHeap) pop() kinAt {
	s := *h
	top, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	*h = s
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && s[child+1].before(s[child]) {
			child++
		}
		if !s[child].before(s[i]) {
			break
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
	return top
}

// unsensed fills a segment without sensors from its kin: the weighted mean of
// their ratios to free flow, with the variance among them, of the distance,
// and of their own forecasts. Without kin it is the prior.
func (r *Runner) unsensed(f *Forecast, s int) {
	now, k := &f.Roads.Now[s], r.roads.kin
	from, to := k.begin[s], k.begin[s+1]
	now.Source = Prior
	if from == to {
		f.prior(s)
		return
	}
	f.Roads.ModelOf[s] = f.Roads.ModelOf[k.source[from]]
	var nowSum, typical, weight, typicalWeight float32
	for e := from; e < to; e++ {
		o := &f.Roads.Now[k.source[e]]
		nowSum, weight = nowSum+k.weight[e]*o.SpeedKMH/o.FreeFlowKMH, weight+k.weight[e]
		if !isMissing(o.TypicalKMH) {
			typical, typicalWeight = typical+k.weight[e]*o.TypicalKMH/o.FreeFlowKMH, typicalWeight+k.weight[e]
		}
		if o.Source != Prior {
			now.Source = Imputed
		}
		if o.At.After(now.At) {
			now.At, now.Age = o.At, o.Age
		}
	}
	now.SpeedKMH, now.TypicalKMH = nowSum/weight*now.FreeFlowKMH, typical/typicalWeight*now.FreeFlowKMH
	for i := range f.Roads.Horizons {
		f.Roads.Speed.Set(s, i, r.kinPoint(f, s, i))
	}
}

// kinPoint mixes the kin's distributions at one horizon.
func (r *Runner) kinPoint(f *Forecast, s, h int) Point {
	k, free := r.roads.kin, float64(f.Roads.Now[s].FreeFlowKMH)
	var w, mean, square, own, noise float64
	for e := k.begin[s]; e < k.begin[s+1]; e++ {
		p, ff := f.Roads.Speed.At(int(k.source[e]), h), float64(f.Roads.Now[k.source[e]].FreeFlowKMH)
		x, half, g := float64(p.Value)/ff, float64(p.Hi90-p.Lo90)/2/1.645/ff, float64(k.weight[e])
		w, mean, square = w+g, mean+g*x, square+g*x*x
		own, noise = own+g*half*half, noise+g*float64(k.noise[e])
	}
	mean /= w
	sigma := free * math.Sqrt(math.Max(0, square/w-mean*mean)+own/w+noise*noise/w/w)
	at := func(z float64) float32 { return float32(math.Min(1.2*free, math.Max(0, mean*free+z*sigma))) }
	return Point{Value: at(0), Lo50: at(-.674), Hi50: at(.674), Lo90: at(-1.645), Hi90: at(1.645), PCongested: missing}
}
