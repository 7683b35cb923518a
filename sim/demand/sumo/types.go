package sumo

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/sim/demand"
	"tideway/unit"
)

// defaultType is what SUMO gives vehicles that name no type.
const defaultType = "DEFAULT_VEHTYPE"

// vClasses maps SUMO's vehicle classes to ours, with what differs from the
// defaults of our class (read from SUMO 1.15 by its vehicle type queries).
var vClasses = map[string]struct {
	class geo.Class
	vary  func(*demand.VehicleType)
}{
	"passenger":  {geo.Car, nil},
	"private":    {geo.Car, nil},
	"evehicle":   {geo.Car, nil},
	"hov":        {geo.Car, nil},
	"vip":        {geo.Car, nil},
	"custom1":    {geo.Car, nil},
	"custom2":    {geo.Car, nil},
	"army":       {geo.Car, noSpread},
	"authority":  {geo.Car, noSpread},
	"ignoring":   {geo.Car, func(t *demand.VehicleType) { t.IgnoreAllow, t.SpeedDev = true, 0 }},
	"taxi":       {geo.Taxi, nil},
	"delivery":   {geo.Van, nil},
	"truck":      {geo.Truck, nil},
	"trailer":    {geo.Truck, func(t *demand.VehicleType) { t.Length, t.Accel = 16.5, 1.1 }},
	"bus":        {geo.Bus, nil},
	"coach":      {geo.Bus, func(t *demand.VehicleType) { t.Length, t.Accel, t.SpeedDev = 14, 2, 0.05 }},
	"motorcycle": {geo.Motorcycle, nil},
	"moped": {geo.Motorcycle, func(t *demand.VehicleType) {
		t.Length, t.MaxSpeed, t.Accel, t.Decel = 2.1, 60*unit.KMH, 1.1, 7
	}},
	"emergency":  {geo.Emergency, nil},
	"bicycle":    {geo.Bicycle, nil},
	"pedestrian": {geo.Pedestrian, nil},
	"tram":       {geo.Tram, nil},
	"rail":       {geo.Rail, nil},
	"rail_urban": {geo.Rail, func(t *demand.VehicleType) {
		t.Length, t.MaxSpeed, t.Accel, t.Decel, t.EmergencyDecel = 109.5, 100*unit.KMH, 1, 3, 7
	}},
	"rail_electric": {geo.Rail, func(t *demand.VehicleType) { t.Length, t.MaxSpeed, t.Accel = 200, 220*unit.KMH, 0.5 }},
}

func noSpread(t *demand.VehicleType) { t.SpeedDev = 0 }

// vType reads a type and returns its id and its weight in a distribution.
func (r *reader) vType() (demand.TypeID, float64, error) {
	id, at := r.idOf("vType"), r.here()
	t := r.typeOfClass(id)
	length := func(name string, old unit.Length, lo float64) unit.Length {
		return unit.Length(r.number(id, name, old.M(), lo, 1e4))
	}
	rate := func(name string, old unit.Acceleration) unit.Acceleration {
		return unit.Acceleration(r.number(id, name, old.MPS2(), 1e-3, 1e3))
	}
	t.Length, t.MinGap = length("length", t.Length, 1e-3), length("minGap", t.MinGap, 0)
	t.MaxSpeed = unit.Speed(r.number(id, "maxSpeed", t.MaxSpeed.MPS(), 1e-3, 1e3))
	t.Accel, t.Decel = rate("accel", t.Accel), rate("decel", t.Decel)
	t.EmergencyDecel = rate("emergencyDecel", max(t.EmergencyDecel, t.Decel))
	t.Sigma = r.number(id, "sigma", t.Sigma, 0, 1)
	t.Tau = asDuration(r.number(id, "tau", t.Tau.Seconds(), 1e-3, 1e3))
	t.ActionStep = asDuration(r.number(id, "actionStepLength", 0, 0, 1e3))
	r.speedFactor(&t)
	if text, ok := r.s.attr("impatience"); ok && string(text) != "off" {
		t.Impatience = r.number(id, "impatience", 0, -1, 1)
	}
	if text, ok := r.s.attr("emissionClass"); ok {
		t.Emission = string(text)
	}
	weight := r.number(id, "probability", 1, 0, math.MaxFloat64)
	r.noteForeign(id)
	r.out.Types = append(r.out.Types, t)
	n := demand.TypeID(len(r.out.Types) - 1)
	r.defineType(id, typeEntry{members: []demand.TypeID{n}, weights: []float64{weight}, at: at})
	return n, weight, r.s.skip()
}

func asDuration(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }

func (r *reader) typeOfClass(id string) demand.VehicleType {
	name := "passenger"
	if text, ok := r.s.attr("vClass"); ok {
		name = string(text)
	}
	known, ok := vClasses[name]
	if !ok {
		r.addf(id, "vClass %q is unknown, expected one of %s", name, strings.Join(sortedKeys(vClasses), " "))
	}
	t := demand.NewType(id, known.class)
	if known.vary != nil {
		known.vary(&t)
	}
	return t
}

// speedFactor reads the desired speed's distribution: a number,
// norm(mean,dev) or normc(mean,dev,min,max), and speedDev.
func (r *reader) speedFactor(t *demand.VehicleType) {
	if text, ok := r.s.attr("speedFactor"); ok {
		if v, err := distribution(string(text)); err != nil {
			r.addf(t.ID, "speedFactor: %v", err)
		} else {
			into := []*float64{&t.SpeedFactor, &t.SpeedDev, &t.SpeedMin, &t.SpeedMax}
			for i, x := range v {
				*into[i] = x
			}
		}
	}
	t.SpeedDev = r.number(t.ID, "speedDev", t.SpeedDev, 0, 10)
}

func distribution(text string) ([]float64, error) {
	text = strings.TrimSpace(text)
	list, most := text, 1
	if name, rest, ok := strings.Cut(text, "("); ok {
		sizes := map[string]int{"norm": 2, "normc": 4}
		most, list = sizes[name], strings.TrimSuffix(rest, ")")
		if most == 0 || list == rest {
			return nil, fmt.Errorf("%q is no distribution, expected a number, norm(mean,dev) or normc(mean,dev,min,max)", clip([]byte(text)))
		}
	}
	parts := strings.Split(list, ",")
	v := make([]float64, len(parts))
	for i, p := range parts {
		x, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil || !(x >= 0 && x <= 1e3) || len(parts) > most {
			return nil, fmt.Errorf("%q is no distribution, expected a number, norm(mean,dev) or normc(mean,dev,min,max)", clip([]byte(text)))
		}
		v[i] = x
	}
	if len(v) == 4 && v[2] > v[3] || v[0] == 0 {
		return nil, fmt.Errorf("%q has an empty range", clip([]byte(text)))
	}
	if most == 2 { // untruncated: bounds that only keep speeds possible
		v = []float64{v[0], at(v, 1, 0), 0.01, 1e3}
	}
	return v, nil
}

func at(v []float64, i int, fallback float64) float64 {
	if i < len(v) {
		return v[i]
	}
	return fallback
}

// noteForeign lists parameters of models that this engine does not have.
func (r *reader) noteForeign(id string) {
	var names []string
	for _, a := range r.s.attrs {
		name := string(a.name)
		model := name == "carFollowModel" && !strings.HasPrefix(string(a.value), "Krauss")
		if model || strings.HasPrefix(name, "lc") || strings.HasPrefix(name, "jm") || name == "laneChangeModel" {
			names = append(names, name+"="+string(a.value))
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		r.foreign = append(r.foreign, geo.Dropped{Kind: "vType", ID: id, Why: "driven by the engine's own models, not by " + strings.Join(names, " ")})
	}
}

func (r *reader) defineType(id string, e typeEntry) {
	if old, twice := r.types[id]; twice {
		r.bad.Addf(e.at.String(), id, "vehicle type is already defined at %v", old.at)
		return
	}
	r.types[id] = e
}

func (r *reader) vTypeDistribution() error {
	e := typeEntry{at: r.here()}
	id := r.idOf("vTypeDistribution")
	e.names, e.weights = r.members(id, "vTypes")
	err := r.children(func(name string) error {
		if name != "vType" {
			return r.s.skip()
		}
		if ref, ok := r.s.attr("refId"); ok {
			e.names = append(e.names, string(ref))
			e.weights = append(e.weights, r.number(id, "probability", ownWeight, 0, math.MaxFloat64))
			return r.s.skip()
		}
		n, weight, err := r.vType()
		e.names = append(e.names, r.out.Types[n].ID)
		e.weights = append(e.weights, weight)
		return err
	})
	if len(e.names) == 0 {
		r.bad.Addf(e.at.String(), id, "vTypeDistribution has no types")
	}
	r.defineType(id, e)
	return err
}

// ownWeight marks a member that counts with the probability of its own
// definition.
const ownWeight = -1

// members reads the list form of a distribution: names in one attribute,
// weights in "probabilities".
func (r *reader) members(id, attribute string) (names []string, weights []float64) {
	text, _ := r.s.attr(attribute)
	names = strings.Fields(string(text))
	given, has := r.s.attr("probabilities")
	list := strings.Fields(string(given))
	if has && len(list) != len(names) {
		r.addf(id, "%d probabilities for %d %s", len(list), len(names), attribute)
	}
	for i := range names {
		w := float64(ownWeight)
		if i < len(list) {
			v, err := strconv.ParseFloat(list[i], 64)
			if err != nil || !(v >= 0 && v <= math.MaxFloat64) {
				r.addf(id, "probability %q is no number of 0 or more", list[i])
			}
			w = v
		}
		weights = append(weights, w)
	}
	return names, weights
}
