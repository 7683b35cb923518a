package index

import (
	"math"

	"tideway/unit"
)

// Zone is a part of the city with the concentration in it.
type Zone struct {
	Population    float64 // NaN: unknown
	AreaM2        float64
	Concentration unit.Concentration
}

// Exposure is how much people breathe.
type Exposure struct {
	Mean       unit.Concentration // weighted as Weighting says
	Weighting  string             // "population" or "area" (where a zone has no population)
	Population float64            // people counted; 0 where weighted by area
	Above      float64            // share of people (or area) above the limit given
}

// Expose returns the weighted mean concentration of zones and the share above a
// limit (0: no limit, share 0). Where any zone lacks a population all are
// weighted by area, and the answer says so. Zones without a concentration are
// left out.
func Expose(zones []Zone, limit unit.Concentration) Exposure {
	by, weight := "population", func(z Zone) float64 { return z.Population }
	for _, z := range zones {
		if math.IsNaN(z.Population) || z.Population < 0 {
			by, weight = "area", func(z Zone) float64 { return z.AreaM2 }
			break
		}
	}
	out := Exposure{Weighting: by}
	total, sum, above := 0.0, 0.0, 0.0
	for _, z := range zones {
		w := weight(z)
		if !(w > 0) || !valid(z.Concentration) {
			continue
		}
		total += w
		sum += w * float64(z.Concentration)
		if limit > 0 && z.Concentration > limit {
			above += w
		}
	}
	if total == 0 {
		out.Mean = Missing
		return out
	}
	out.Mean, out.Above = unit.Concentration(sum/total), above/total
	if by == "population" {
		out.Population = total
	}
	return out
}
