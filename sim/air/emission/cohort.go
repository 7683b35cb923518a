package emission

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"tideway/unit"
)

// fleetEurope holds the assumptions behind DefaultFleet.
//
//go:embed fleet_europe.json
var fleetEurope []byte

// cohorts describes how a fleet follows from what was registered when.
type cohorts struct {
	Name       string            `json:"name"`
	Source     string            `json:"source"`
	Categories map[string]cohort `json:"categories"`
}

// cohort is one category: the survival exp(−(age/Life)^3) of a registration
// year, the mileage exp(−age/MileageYears) of a vehicle, the first year of each
// Euro standard, and the share of each class prefix in registrations by year
// (linear between the years given, held outside).
type cohort struct {
	Life         float64      `json:"life_years"`
	MileageYears float64      `json:"mileage_years"`
	Standards    []standard   `json:"standards"`
	Registered   []registered `json:"registered"`
}

type standard struct {
	Euro string `json:"euro"`
	From int    `json:"from"`
}

type registered struct {
	Prefix string       `json:"prefix"`
	Share  [][2]float64 `json:"share"`
}

// Years for which DefaultFleet has something to say.
const (
	FirstFleetYear = 2000
	LastFleetYear  = 2030
)

// DefaultFleet returns a typical European urban fleet of the given year, held
// inside [FirstFleetYear, LastFleetYear]. It follows from registrations, scrapping
// and mileage in rounded European figures and is an assumption to be replaced
// by local data (ReadFleet), not a measurement.
func DefaultFleet(t *Table, year int) (Fleet, error) {
	year = max(FirstFleetYear, min(year, LastFleetYear))
	var in cohorts
	if err := json.NewDecoder(bytes.NewReader(fleetEurope)).Decode(&in); err != nil {
		return Fleet{}, fmt.Errorf("emission: the embedded fleet is damaged: %w", err)
	}
	f := Fleet{Name: fmt.Sprintf("%s %d", in.Name, year), Source: in.Source}
	for _, name := range sortedKeys(in.Categories) {
		cat, err := ParseCategory(name)
		if err != nil {
			return Fleet{}, fmt.Errorf("emission: the embedded fleet is damaged: %w", err)
		}
		f.mix[cat] = in.Categories[name].mix(t, year)
	}
	return f.scaled(), nil
}

// oldest is the age in years beyond which no vehicle is counted.
const oldest = 40

func (c cohort) mix(t *Table, year int) []Weighted {
	shares := map[string]float64{}
	for age := 0; age <= oldest; age++ {
		a := float64(age) + .5
		w := math.Exp(-math.Pow(a/c.Life, 3) - a/c.MileageYears)
		for _, r := range c.Registered {
			if s := interpolate(r.Share, float64(year-age)); s > 0 {
				shares[c.class(t, r.Prefix, year-age)] += w * s
			}
		}
	}
	var out []Weighted
	for _, id := range sortedKeys(shares) {
		out = append(out, Weighted{id, unit.Share(shares[id])})
	}
	return out
}

// class is the id registered in a year: the prefix with the standard then in
// force, or the nearest standard the prefix has (later ones first).
func (c cohort) class(t *Table, prefix string, year int) string {
	if slices.Contains(electricClass[:], prefix) {
		return prefix
	}
	now := 0
	for i, s := range c.Standards {
		if year >= s.From {
			now = i
		}
	}
	for d := range c.Standards {
		for _, i := range []int{now + d, now - d} {
			if i < 0 || i >= len(c.Standards) {
				continue
			}
			if id := prefix + "_" + c.Standards[i].Euro; t.has(id) {
				return id
			}
		}
	}
	return prefix
}

func (t *Table) has(id string) bool { _, ok := t.byID[id]; return ok }

func interpolate(points [][2]float64, x float64) float64 {
	if len(points) == 0 || x < points[0][0] {
		return 0
	}
	for i := 1; i < len(points); i++ {
		if a, b := points[i-1], points[i]; x < b[0] {
			return a[1] + (b[1]-a[1])*(x-a[0])/(b[0]-a[0])
		}
	}
	return points[len(points)-1][1]
}
