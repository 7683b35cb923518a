package sim

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tideway/geo"
)

// Vary returns the city with greens scaled by 0.5 to 1.7 and random offsets; plan 0
// is the given one.
func Vary(c *geo.City, n int) *geo.City {
	if n == 0 {
		return c
	}
	r := rand.New(rand.NewPCG(uint64(n), 77))
	p := c.Patch()
	for _, s := range c.Signals.All() {
		plan := c.Plans.At(s.Plan)
		plan.Stages = slices.Clone(plan.Stages)
		plan.Cycle = 0
		for k := range plan.Stages {
			st := &plan.Stages[k]
			if slices.ContainsFunc(st.States, geo.SignalState.IsGreen) && !slices.Contains(st.States, geo.Yellow) {
				st.Duration = max(4*time.Second, time.Duration(math.Round(st.Duration.Seconds()*(0.5+1.2*r.Float64())))*time.Second)
				st.Min, st.Max = st.Duration, st.Duration
			}
			plan.Cycle += st.Duration
		}
		plan.Kind = geo.FixedTime
		plan.Offset = time.Duration(r.IntN(int(plan.Cycle/time.Second))) * time.Second
		p.SetPlan(plan)
	}
	return p.City()
}

// SUMO runs SUMO on the case with the city's signal plans in place of the given
// ones, until the last vehicle has left. more are further arguments; dir takes
// files for the run.
func (c Case) SUMO(city *geo.City, dir string, seed int, more ...string) error {
	if err := writePrograms(city, filepath.Join(dir, planFile)); err != nil {
		return err
	}
	args := []string{"-n", Path(c.Net), "-r", paths(c.routesOnly()), "-b", fmt.Sprint(c.Begin.Seconds()),
		"--no-step-log", "-X", "never", "--no-warnings", "--seed", fmt.Sprint(seed)}
	if !slices.Contains(more, "--additional-files") {
		args = append(args, "--additional-files", c.Additional(dir))
	}
	if text, err := exec.Command("sumo", append(args, more...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}

// routesOnly lists the route files that are not read as additional files already.
func (c Case) routesOnly() []string {
	return slices.DeleteFunc(slices.Clone(c.Routes), func(f string) bool { return slices.Contains(c.Add, f) })
}

const planFile = "plans.add.xml"

// Additional lists the additional files of a run in dir.
func (c Case) Additional(dir string) string { return paths(c.Add, filepath.Join(dir, planFile)) }

// paths lists files of the data sets, and others as they are.
func paths(files []string, others ...string) string {
	var list []string
	for _, f := range files {
		list = append(list, Path(f))
	}
	return strings.Join(append(list, others...), ",")
}

// program and phase are SUMO's elements.
type program struct {
	XMLName xml.Name `xml:"tlLogic"`
	ID      string   `xml:"id,attr"`
	Type    string   `xml:"type,attr"`
	Program string   `xml:"programID,attr"`
	Offset  float64  `xml:"offset,attr"`
	Phases  []phase  `xml:"phase"`
}

type phase struct {
	DurationS float64 `xml:"duration,attr"`
	State     string  `xml:"state,attr"`
}

func writePrograms(city *geo.City, file string) error {
	var out bytes.Buffer
	out.WriteString("<additional>\n")
	for _, s := range city.Signals.All() {
		plan := city.Plans.At(s.Plan)
		p := program{ID: s.ID, Type: "static", Program: "ranking", Offset: plan.Offset.Seconds()}
		for _, st := range plan.Stages {
			b := make([]byte, len(st.States))
			for i, v := range st.States {
				b[i] = byte(v)
			}
			p.Phases = append(p.Phases, phase{st.Duration.Seconds(), string(b)})
		}
		text, err := xml.Marshal(p)
		if err != nil {
			return err
		}
		out.Write(text)
		out.WriteByte('\n')
	}
	out.WriteString("</additional>\n")
	return os.WriteFile(file, out.Bytes(), 0o600)
}
