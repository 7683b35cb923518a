package forecast

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/live"
)

// Panel is the history of all series of one quantity and interval on a common
// time grid: what models are fitted on.
type Panel struct {
	Quantity geo.Quantity
	Interval time.Duration
	Series   []live.Series // rows
	First    time.Time     // end of the first interval
	Moments  []Moment      // local clock of each step
	Values   []float32     // row-major, len(Series) × len(Moments); NaN when missing
}

// Steps returns the number of intervals the panel covers.
func (p *Panel) Steps() int { return len(p.Moments) }

// Row returns the values of one series, oldest first. The slice is shared.
func (p *Panel) Row(i int) []float32 {
	n := p.Steps()
	return p.Values[i*n : (i+1)*n : (i+1)*n]
}

// Tail returns the last steps intervals of the panel; values are copied.
func (p *Panel) Tail(steps int) *Panel { return p.cut(p.Steps()-min(steps, p.Steps()), p.Steps()) }

// Head returns the first steps intervals of the panel; values are copied.
func (p *Panel) Head(steps int) *Panel { return p.cut(0, min(steps, p.Steps())) }

func (p *Panel) cut(from, to int) *Panel {
	q := *p
	q.First = p.First.Add(time.Duration(from) * p.Interval)
	q.Moments = p.Moments[from:to]
	q.Values = make([]float32, 0, len(p.Series)*(to-from))
	for i := range p.Series {
		q.Values = append(q.Values, p.Row(i)[from:to]...)
	}
	return &q
}

// missing is the NaN that marks absent values.
var missing = float32(math.NaN())

// isMissing reports whether v is NaN.
func isMissing(v float32) bool { return v != v }
