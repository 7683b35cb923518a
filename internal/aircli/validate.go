package aircli

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"tideway/internal/fault"
	"tideway/sim/air/dispersion"
	"tideway/unit"
)

// ValidateCmd is tideway air validate.
type ValidateCmd struct {
	Met          string `required:"" help:"CSV of the hours: day (test), bag, ustar, wstar, zi_conv, zi_mech, L, z0, wspd, wdir, zref." type:"path" placeholder:"FILE"`
	Observations string `required:"" help:"CSV of the samples: test, bag, x_m, c_ppb." type:"path" placeholder:"FILE"`
	Reference    string `help:"CSV of published R-LINE outputs: test, bag, x18_m, ...; compares ours with the weather as given." type:"path" placeholder:"FILE"`
	Out          string `help:"CSV to write: test, bag, x_m, observed_ppb, modelled_ppb, rline_v12_ppb, rline_v12_ugm3." type:"path" placeholder:"FILE"`
	JSON         bool   `help:"Print one JSON object."`
}

// Score compares modelled with observed concentrations: pairs, share within a
// factor of two, fractional bias (positive: the model is low), normalised mean
// square error, correlation.
type Score struct {
	N    int     `json:"n"`
	FAC2 float64 `json:"fac2"`
	FB   float64 `json:"fb"`
	NMSE float64 `json:"nmse"`
	R    float64 `json:"r"`
}

type testScore struct {
	Test string `json:"test"`
	Score
}

type referenceScore struct {
	N         int     `json:"n"`
	MaxRelDev float64 `json:"max_rel_dev"`
}

type validateReport struct {
	ByTest    []testScore     `json:"by_test"`
	All       Score           `json:"all"`
	Reference *referenceScore `json:"reference,omitempty"`
}

// The experiment (Finn et al. 2010, Atmospheric Environment 44): a line of
// 54 m releasing SF6, sampled at 1.5 m. As R-LINE was evaluated on it, the
// crosswind-integrated samples stand for a line of 1 km at 1 m height.
const (
	idahoLengthM  = 54
	idahoPerPPB   = 5.34 // µg/m³ of SF6 in one ppb at the site
	idahoHalfM    = 500
	idahoHeightM  = 1
	idahoSamplerM = 1.5
)

// idahoRelease is the emission of each test in g/s.
var idahoRelease = map[string]float64{"1": .05, "2": .04, "3": .03, "5": .03}

// bag is one quarter of an hour of a test.
type bag struct{ test, number string }

// sample is one observation with what is modelled for it.
type sample struct {
	bag
	xM, observed, modelled float64 // ppb
	asGiven                float64 // ppb, with the file's w* in stable air
	unitUGM3               float64 // the same in µg/m³ for 1 g/(m·s)
}

// Run models every sample and scores the model.
func (c *ValidateCmd) Run(out io.Writer) error {
	samples, model, err := c.read()
	if err != nil {
		return err
	}
	for i := range samples {
		if err := model.fill(&samples[i]); err != nil {
			return fmt.Errorf("air validate: test %s bag %s: %w", samples[i].test, samples[i].number, err)
		}
	}
	r := validateReport{All: scoreOf(samples, ""), ByTest: []testScore{}}
	for _, s := range samples {
		if n := len(r.ByTest); n == 0 || r.ByTest[n-1].Test != s.test {
			r.ByTest = append(r.ByTest, testScore{s.test, scoreOf(samples, s.test)})
		}
	}
	if c.Reference != "" {
		if r.Reference, err = c.compare(model); err != nil {
			return err
		}
	}
	if c.Out != "" {
		if err := writeFile(c.Out, func(w *bufio.Writer) { writeSamples(w, samples) }); err != nil {
			return err
		}
	}
	return report(out, c.JSON, r, r.print)
}

func (r validateReport) print(w io.Writer) {
	line := func(name string, s Score) {
		fmt.Fprintf(w, "%-8s n %3d  FAC2 %.3f  FB %+.3f  NMSE %.4f  r %.3f\n", name, s.N, s.FAC2, s.FB, s.NMSE, s.R)
	}
	for _, t := range r.ByTest {
		line("test "+t.Test, t.Score)
	}
	line("all", r.All)
	if r.Reference != nil {
		fmt.Fprintf(w, "against published outputs: %d values, largest deviation %.3f %%\n", r.Reference.N, 100*r.Reference.MaxRelDev)
	}
}

func writeSamples(w *bufio.Writer, samples []sample) {
	w.WriteString("test,bag,x_m,observed_ppb,modelled_ppb,rline_v12_ppb,rline_v12_ugm3\n")
	for _, s := range samples {
		observed := ""
		if !math.IsNaN(s.observed) {
			observed = fmt.Sprint(s.observed)
		}
		fmt.Fprintf(w, "%s,%s,%g,%s,%.6g,%.6g,%.6g\n", csvField(s.test), csvField(s.number), s.xM, observed, s.modelled, s.asGiven, s.unitUGM3)
	}
}

// scoreOf scores the samples of a test ("": all) that have an observation.
func scoreOf(samples []sample, test string) Score {
	var n, within, so, sp, soo, spp, sop, sqr float64
	for _, s := range samples {
		if math.IsNaN(s.observed) || (test != "" && s.test != test) {
			continue
		}
		o, p := s.observed, s.modelled
		n++
		if p >= o/2 && p <= 2*o {
			within++
		}
		so, sp, soo, spp, sop, sqr = so+o, sp+p, soo+o*o, spp+p*p, sop+o*p, sqr+(o-p)*(o-p)
	}
	if n == 0 {
		return Score{}
	}
	r := (sop - so*sp/n) / math.Sqrt((soo-so*so/n)*(spp-sp*sp/n))
	if math.IsNaN(r) || math.IsInf(r, 0) {
		r = 0
	}
	score := Score{N: int(n), FAC2: within / n, R: r}
	if so+sp > 0 {
		score.FB = 2 * (so - sp) / (so + sp)
	}
	if so*sp > 0 {
		score.NMSE = sqr * n / (so * sp)
	}
	return score
}

// tracer models the experiment.
type tracer struct {
	hours map[bag]trial
}

// trial is the weather of a bag as it is modelled (no w* in stable air) and as
// the file gives it.
type trial struct{ modelled, given dispersion.Met }

// unitAt is the concentration at x metres in µg/m³ for 1 g/(m·s).
func unitAt(m dispersion.Met, xM float64) (float64, error) {
	one := func(v float64) []float64 { return []float64{v} }
	line := dispersion.Links{X0M: one(0), Y0M: one(-idahoHalfM), X1M: one(0), Y1M: one(idahoHalfM), RateGMS: one(1), HeightM: one(idahoHeightM), SigmaZ0M: one(0)}
	c, err := dispersion.Exact(1, line, dispersion.Receptors{XM: one(xM), YM: one(0), ZM: one(idahoSamplerM)}, m)
	if err != nil {
		return 0, err
	}
	return c[0].UGM3(), nil
}

func (t *tracer) fill(s *sample) error {
	h := t.hours[s.bag]
	toPPB := idahoRelease[s.test] / idahoLengthM / idahoPerPPB
	modelled, err := unitAt(h.modelled, s.xM)
	if err != nil {
		return err
	}
	s.unitUGM3 = modelled
	if h.given != h.modelled {
		if s.unitUGM3, err = unitAt(h.given, s.xM); err != nil {
			return err
		}
	}
	s.modelled, s.asGiven = modelled*toPPB, s.unitUGM3*toPPB
	return nil
}

func (c *ValidateCmd) read() ([]sample, *tracer, error) {
	var bad fault.List
	met, err := readFile(c.Met)
	bad.Add(c.Met, err)
	obs, err := readFile(c.Observations)
	bad.Add(c.Observations, err)
	if bad.Len() > 0 {
		return nil, nil, bad.Err("air validate")
	}
	model := &tracer{hours: map[bag]trial{}}
	model.weather(met, &bad)
	samples := model.samples(obs, &bad)
	return samples, model, bad.Err("air validate")
}

// weather reads the hours by test and bag.
func (t *tracer) weather(met *table, bad *fault.List) {
	hours := hoursOf(met, bad)
	wstar := met.optional("wstar", "wstar_ms")
	day, number := met.column("day", "test"), met.column("bag")
	if day < 0 || number < 0 {
		bad.Addf(met.name+":1", "day, bag", "columns are missing")
		return
	}
	for i, h := range hours {
		h.met.Check(met.where(i), bad)
		given := h.met
		if wstar[i] > 0 {
			given.ConvectiveVelocity = unit.Speed(wstar[i])
		}
		t.hours[bag{strings.TrimSpace(met.rows[i][day]), strings.TrimSpace(met.rows[i][number])}] = trial{h.met, given}
	}
}

func (t *tracer) samples(obs *table, bad *fault.List) []sample {
	test, number := obs.column("test", "day"), obs.column("bag")
	x := obs.numbers(bad, must, "x_m")
	c := obs.optional("c_ppb")
	if test < 0 || number < 0 || obs.column("c_ppb") < 0 {
		bad.Addf(obs.name+":1", "test, bag, c_ppb", "columns are missing")
		return nil
	}
	out := make([]sample, 0, len(obs.rows))
	for i, r := range obs.rows {
		s := sample{bag: bag{strings.TrimSpace(r[test]), strings.TrimSpace(r[number])}, xM: x[i], observed: c[i]}
		if _, ok := t.hours[s.bag]; !ok {
			bad.Addf(obs.where(i), s.test, "bag %s has no weather", s.number)
		}
		if idahoRelease[s.test] == 0 {
			bad.Addf(obs.where(i), s.test, "is none of the tests 1, 2, 3 and 5 whose release rates are known")
		}
		out = append(out, s)
	}
	return out
}

// compare sets the published outputs (µg/m³ for 1 g/(m·s), columns x18_m, ...)
// against ours with the weather as given.
func (c *ValidateCmd) compare(model *tracer) (*referenceScore, error) {
	t, err := readFile(c.Reference)
	if err != nil {
		return nil, err
	}
	var bad fault.List
	test, number := t.column("test"), t.column("bag")
	if test < 0 || number < 0 {
		bad.Addf(t.name+":1", "test, bag", "columns are missing")
		return nil, bad.Err("air validate")
	}
	out := &referenceScore{}
	for col, head := range t.head {
		x, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimPrefix(head, "x"), "_m"), 64)
		if err != nil {
			continue // not a distance
		}
		want := t.numbers(&bad, must, t.head[col])
		for i, r := range t.rows {
			h, ok := model.hours[bag{strings.TrimSpace(r[test]), strings.TrimSpace(r[number])}]
			if !ok {
				bad.Addf(t.where(i), r[test], "bag %s has no weather", r[number])
				continue
			}
			got, err := unitAt(h.given, x)
			if err != nil {
				return nil, err
			}
			out.N++
			out.MaxRelDev = math.Max(out.MaxRelDev, math.Abs(got/want[i]-1))
		}
	}
	return out, bad.Err("air validate")
}
