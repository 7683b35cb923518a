package emission

import (
	"math"

	"tideway/unit"
)

// topKMH is the highest speed of the curves; every function is flat above.
const topKMH = 140

// Curves is a fleet on a kind of road, ready for many links: what an average
// vehicle of each category releases per hour at every mean speed. Reading it
// costs some 10 ns and allocates nothing. It is immutable.
type Curves struct {
	// perHour[c][v] is V·EF(V) at v km/h: smooth down to V = 0, where it is the
	// idle rate.
	perHour [Categories][topKMH + 1]Rates
}

// Curves evaluates the fleet for a kind of road. The error names a class that
// the table does not have.
func (f Fleet) Curves(t *Table, road Road) (*Curves, error) {
	out := new(Curves)
	for cat := range out.perHour {
		for _, m := range f.mix[cat] {
			c, err := t.Class(m.Class)
			if err != nil {
				return nil, err
			}
			for v := range out.perHour[cat] {
				kmh := math.Max(float64(v), minMeanKMH)
				r := t.Rates(c, unit.Speed(kmh)*unit.KMH, road)
				if v == 0 {
					r.PM10Wear, r.PM25Wear = 0, 0 // standing vehicles wear nothing
				}
				out.perHour[cat][v] = out.perHour[cat][v].Plus(float64(m.Share)*kmh, r)
			}
		}
	}
	return out, nil
}

// Rates returns what an average vehicle of the category releases per distance
// at mean speed v; the per-hour values are linear between whole km/h.
func (c *Curves) Rates(cat Category, v unit.Speed) Rates {
	kmh := math.Max(minMeanKMH, math.Min(v.KMH(), topKMH))
	i := min(int(kmh), topKMH-1)
	u := kmh - float64(i)
	row := &c.perHour[cat]
	return Rates{}.Plus((1-u)/kmh, row[i]).Plus(u/kmh, row[i+1])
}

// Idle returns what a standing average vehicle of the category releases in a
// time: EF(Vmin)·Vmin per hour.
func (c *Curves) Idle(cat Category, hours float64) Amounts {
	return c.perHour[cat][0].Over(hours, unit.Kilometre) // V·EF in km/h·kg/m
}
