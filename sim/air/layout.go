package air

import (
	"math"
	"time"

	"github.com/paulmach/orb"

	"tideway/sim/air/dispersion"
	"tideway/sim/air/emission"
	"tideway/unit"
)

// Street is one direction of a road as a source: its shape in metres, in
// driving direction, stop line last.
type Street struct {
	Shape  orb.LineString
	Height unit.Length // release height; 0: 0.5 m
	Spread unit.Length // initial vertical spread; 0: 1.3 m, mixed behind cars of 1.5 m
}

// Layout is the sources of a city: every street cut in straight pieces, finely
// towards the stop line, where queues stand. It is immutable.
type Layout struct {
	links  dispersion.Links
	first  []int32   // of each street, and one past the last
	tail   []float64 // distance of each piece's end from the stop line, m
	length []float64 // of each piece, m
}

// cuts are the distances from the stop line at which streets are cut, m.
var cuts = [...]float64{200, 100, 50, 25, 10}

const (
	defaultHeight = .5 * unit.Metre
	defaultSpread = 1.3 * unit.Metre
)

// NewLayout cuts the streets. A street of no length has no piece.
func NewLayout(streets []Street) *Layout {
	l := &Layout{first: []int32{0}}
	for _, s := range streets {
		l.add(s)
		l.first = append(l.first, int32(len(l.length)))
	}
	return l
}

func (l *Layout) add(s Street) {
	if s.Height == 0 {
		s.Height = defaultHeight
	}
	if s.Spread == 0 {
		s.Spread = defaultSpread
	}
	rest := 0.0
	for i := 1; i < len(s.Shape); i++ {
		rest += distance(s.Shape[i-1], s.Shape[i])
	}
	for i := 1; i < len(s.Shape); i++ {
		a, b := s.Shape[i-1], s.Shape[i]
		for _, c := range cuts {
			leg := distance(a, b)
			if ahead := rest - c; ahead > 0 && ahead < leg {
				m := orb.Point{a[0] + (b[0]-a[0])*ahead/leg, a[1] + (b[1]-a[1])*ahead/leg}
				rest = l.piece(a, m, rest, s)
				a = m
			}
		}
		rest = l.piece(a, b, rest, s)
	}
}

// piece adds the piece from a to b, whose start is rest metres from the stop
// line, and returns the distance of its end.
func (l *Layout) piece(a, b orb.Point, rest float64, s Street) float64 {
	n := distance(a, b)
	if n == 0 {
		return rest
	}
	k := &l.links
	k.X0M, k.Y0M, k.X1M, k.Y1M = append(k.X0M, a[0]), append(k.Y0M, a[1]), append(k.X1M, b[0]), append(k.Y1M, b[1])
	k.RateGMS, k.HeightM, k.SigmaZ0M = append(k.RateGMS, 0), append(k.HeightM, s.Height.M()), append(k.SigmaZ0M, s.Spread.M())
	end := math.Max(rest-n, 0)
	l.tail, l.length = append(l.tail, end), append(l.length, n)
	return end
}

func distance(a, b orb.Point) float64 { return math.Hypot(b[0]-a[0], b[1]-a[1]) }

// Links returns the pieces with the given rates (Rates; nil: none). The columns
// other than the rates are shared: do not change them.
func (l *Layout) Links(rateGMS []float64) dispersion.Links {
	out := l.links
	if rateGMS != nil {
		out.RateGMS = rateGMS
	}
	return out
}

// Rates spreads what each street released in an interval over its pieces, in
// g/(m·s): the running part evenly, the standing part over the queue. pick
// chooses the pollutant (func(a emission.Amounts) unit.Mass { return a.NOx }).
// Streets without an emission (a short slice) release nothing.
func (l *Layout) Rates(released []emission.Emission, pick func(emission.Amounts) unit.Mass, interval time.Duration) []float64 {
	out := make([]float64, len(l.length))
	for s := range min(len(released), len(l.first)-1) {
		l.spread(out, s, released[s].Queue.M(), pick(released[s].Run).G()/interval.Seconds(), pick(released[s].Standing).G()/interval.Seconds())
	}
	return out
}

// spread adds to the pieces of street s a running and a standing release in g/s.
func (l *Layout) spread(out []float64, s int, queue, run, standing float64) {
	from, to := l.first[s], l.first[s+1]
	total, queued := 0.0, 0.0
	for i := from; i < to; i++ {
		total += l.length[i]
		queued += l.inQueue(i, queue)
	}
	for i := from; i < to; i++ {
		out[i] += run / total
		if queued > 0 {
			out[i] += standing * l.inQueue(i, queue) / queued / l.length[i]
		} else {
			out[i] += standing / total
		}
	}
}

// inQueue is how much of piece i lies within queue metres of the stop line.
func (l *Layout) inQueue(i int32, queue float64) float64 {
	return math.Max(0, math.Min(l.tail[i]+l.length[i], queue)-l.tail[i])
}
