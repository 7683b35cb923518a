package aircli

import (
	"fmt"
	"math"

	"tideway/internal/fault"
	"tideway/sim/air/dispersion"
	"tideway/unit"
)

// hour is one row of a weather file, and what had to be assumed for it.
type hour struct {
	met  dispersion.Met
	note string
}

// hoursOf reads the weather, with AERMET's names or the shorter ones of the
// Idaho Falls files. Numbers of −9 and below, and empty fields, mean missing.
// Without u* or L the boundary layer follows from the wind alone, neutral; a calm
// gets the least wind; both are noted. A missing wind or direction is an error.
func hoursOf(t *table, bad *fault.List) []hour {
	columns := map[string][]float64{}
	for _, c := range [...][]string{
		{"ustar", "ustar_ms"}, {"wstar", "wstar_ms"}, {"conv", "zi_conv_m", "zi_conv"}, {"mech", "zi_mech_m", "zi_mech"},
		{"L", "L_m"}, {"z0", "z0_m"}, {"wind", "wspd_ms", "wspd"}, {"from", "wdir_deg", "wdir"}, {"ref", "zref_m", "zref"}, {"kelvin", "temp_k"}, {"celsius", "temp_c"},
	} {
		columns[c[0]] = t.optional(append(c[1:], c[0])...)
	}
	hours := make([]hour, len(t.rows))
	for i := range hours {
		hours[i] = hourOf(t.where(i), func(name string) float64 { return present(name, columns[name][i]) }, bad)
	}
	if len(hours) == 0 {
		bad.Addf(t.name, "", "has no hours")
	}
	return hours
}

// present returns NaN for the numbers that stand for missing. A Monin–Obukhov
// length may be any negative number but −99999, a temperature in °C any.
func present(name string, v float64) float64 {
	switch {
	case name == "L" && v == -99999, name == "celsius" && v < -90:
		return math.NaN()
	case name != "L" && name != "celsius" && v <= -9:
		return math.NaN()
	}
	return v
}

func hourOf(where string, col func(string) float64, bad *fault.List) hour {
	wind, from, z0, ref := col("wind"), col("from"), col("z0"), col("ref")
	for _, c := range [...]struct {
		name string
		v    float64
	}{{"wind speed", wind}, {"wind direction", from}, {"roughness length z0", z0}} {
		if math.IsNaN(c.v) {
			bad.Addf(where, c.name, "is missing")
		}
	}
	if math.IsNaN(ref) {
		ref = 10
	}
	if math.IsNaN(wind) || math.IsNaN(from) || math.IsNaN(z0) {
		return hour{}
	}
	h := hour{met: dispersion.Met{FrictionVelocity: unit.Speed(col("ustar")), Obukhov: unit.Length(col("L")), Roughness: unit.Length(z0),
		Wind: unit.Speed(wind), From: unit.Angle(from), Reference: unit.Length(ref)}}
	if wind >= 0 && wind < dispersion.MinWind.MPS() {
		h.met.Wind = dispersion.MinWind
		h.note = fmt.Sprintf("calm (%g m/s), taken as %g m/s", wind, dispersion.MinWind.MPS())
	}
	if math.IsNaN(col("ustar")) || math.IsNaN(col("L")) || col("ustar") == 0 {
		h.neutral(where, col, bad)
		return h
	}
	h.complete(col)
	return h
}

// neutral fills in what is missing from the wind alone.
func (h *hour) neutral(where string, col func(string) float64, bad *fault.List) {
	o := dispersion.Observation{Wind: h.met.Wind, From: h.met.From, Height: h.met.Reference, Temperature: temperature(col),
		Cloud: unit.Share(math.NaN()), SolarWm2: math.NaN(), Sun: unit.Angle(math.NaN())}
	m, how, err := o.Met(dispersion.Site{Roughness: h.met.Roughness})
	if err != nil {
		bad.Add(where, err)
		return
	}
	h.met = m
	h.note = join(h.note, fmt.Sprintf("u* or L missing: %s", how))
}

func temperature(col func(string) float64) unit.Temperature {
	if c := col("celsius"); !math.IsNaN(c) {
		return unit.Celsius(c)
	}
	return unit.Temperature(col("kelvin"))
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// complete adds mixing height and convective velocity. Stable air has neither a
// convective velocity nor a convective mixing height, whatever the file says.
func (h *hour) complete(col func(string) float64) {
	mech, conv, wstar := col("mech"), col("conv"), col("wstar")
	if math.IsNaN(mech) || mech <= 0 {
		mech = 2300 * math.Pow(col("ustar"), 1.5)
	}
	if h.met.Obukhov < 0 {
		if conv > mech {
			mech = conv
		}
		if wstar > 0 {
			h.met.ConvectiveVelocity = unit.Speed(wstar)
		}
	}
	h.met.MixingHeight = unit.Length(mech)
}
