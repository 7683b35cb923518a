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

// kinCity is what the mean of all sources weighs among a segment's kin: more
// than them where the nearest is two scales away.
const kinCity = .3

// outlookOf is the ratio to free flow of a place, now and ahead.
type outlookOf struct {
	now, typical float32
	ahead        []float32
}

// meanOutlook is the mean over all segments that others learn from.
func (r *Runner) meanOutlook(f *Forecast) outlookOf {
	h := len(f.Roads.Horizons)
	var now, typical mean
	ahead := make([]mean, h)
	for s, is := range r.roads.source {
		if o := &f.Roads.Now[s]; is && o.Source != Prior && o.Source != unset {
			now.add(o.SpeedKMH / o.FreeFlowKMH)
			typical.add(o.TypicalKMH / o.FreeFlowKMH)
			for i := range ahead {
				ahead[i].add(f.Roads.Speed.Value[s*h+i] / o.FreeFlowKMH)
			}
		}
	}
	out := outlookOf{now: now.value(), typical: typical.value(), ahead: make([]float32, h)}
	for i := range ahead {
		out.ahead[i] = ahead[i].value()
	}
	return out
}

// blend is an estimate from weighted values: half their mean, half their
// median, which single odd kin move less.
type blend struct {
	n             int
	value, weight [kinCount + 1]float64
	sum, total    float64
}

// add takes a value in unless it is missing.
func (b *blend) add(value, weight float64) {
	if value != value {
		return
	}
	i := b.n
	for ; i > 0 && b.value[i-1] > value; i-- {
		b.value[i], b.weight[i] = b.value[i-1], b.weight[i-1]
	}
	b.value[i], b.weight[i] = value, weight
	b.n, b.sum, b.total = b.n+1, b.sum+weight*value, b.total+weight
}

func (b *blend) estimate() float64 {
	below := 0.0
	for i := range b.n {
		if below += b.weight[i]; below >= b.total/2 {
			return (b.sum/b.total + b.value[i]) / 2
		}
	}
	return math.NaN()
}

// unsensed fills a segment without sensors from its kin: their ratios to free
// flow blended with the mean of the city, with the variance among them, of the
// distance, and of their own forecasts. Without kin it is the prior.
func (r *Runner) unsensed(f *Forecast, s int, city *outlookOf) {
	now, k := &f.Roads.Now[s], r.roads.kin
	from, to := k.begin[s], k.begin[s+1]
	now.Source = Prior
	if from == to {
		f.prior(s)
		return
	}
	f.Roads.ModelOf[s] = f.Roads.ModelOf[k.source[from]]
	var speed, typical blend
	for e := from; e < to; e++ {
		o := &f.Roads.Now[k.source[e]]
		speed.add(float64(o.SpeedKMH/o.FreeFlowKMH), float64(k.weight[e]))
		typical.add(float64(o.TypicalKMH/o.FreeFlowKMH), float64(k.weight[e]))
		if o.Source != Prior {
			now.Source = Imputed
		}
		if o.At.After(now.At) {
			now.At, now.Age = o.At, o.Age
		}
	}
	speed.add(float64(city.now), kinCity)
	typical.add(float64(city.typical), kinCity)
	now.SpeedKMH, now.TypicalKMH = float32(speed.estimate())*now.FreeFlowKMH, float32(typical.estimate())*now.FreeFlowKMH
	for i := range f.Roads.Horizons {
		f.Roads.Speed.Set(s, i, r.kinPoint(f, s, i, city))
	}
}

// kinPoint mixes the kin's distributions at one horizon.
func (r *Runner) kinPoint(f *Forecast, s, h int, city *outlookOf) Point {
	k, free := r.roads.kin, float64(f.Roads.Now[s].FreeFlowKMH)
	var ratio blend
	var square, own, noise float64
	for e := k.begin[s]; e < k.begin[s+1]; e++ {
		p, ff := f.Roads.Speed.At(int(k.source[e]), h), float64(f.Roads.Now[k.source[e]].FreeFlowKMH)
		x, half, g := float64(p.Value)/ff, float64(p.Hi90-p.Lo90)/2/1.645/ff, float64(k.weight[e])
		ratio.add(x, g)
		square, own, noise = square+g*x*x, own+g*half*half, noise+g*float64(k.noise[e])
	}
	w := ratio.total
	mean := ratio.sum / w
	sigma := free * math.Sqrt(math.Max(0, square/w-mean*mean)+own/w+noise*noise/w/w)
	ratio.add(float64(city.ahead[h]), kinCity)
	middle := ratio.estimate() * free
	at := func(z float64) float32 { return float32(math.Min(1.2*free, math.Max(0, middle+z*sigma))) }
	return Point{Value: at(0), Lo50: at(-.674), Hi50: at(.674), Lo90: at(-1.645), Hi90: at(1.645), PCongested: missing}
}
