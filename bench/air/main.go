//go:build unix

// Command air prints the tables of the air models against their targets: the
// emission functions against the guidebook, dispersion against published and
// observed tracer concentrations, against its own converged integral, and its
// cost. Run from the repository root with the data sets at hand:
//
//	go run ./bench/air > bench/air/results.txt
package main

import (
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"tideway/internal/aircli"
	"tideway/internal/testdata"
	"tideway/sim/air/dispersion"
	"tideway/unit"
)

func main() {
	log.SetFlags(0)
	fmt.Println("command: go run ./bench/air")
	fmt.Printf("machine: %s, %d cores, %s\n\n", processor(), runtime.NumCPU(), runtime.Version())
	data := filepath.Join(testdata.Base(), "air")
	if _, err := os.Stat(data); err != nil {
		fmt.Println("data set \"air\" is not at hand (set TIDEWAY_DATA): emission and tracer tables are left out")
	} else {
		emissions(data)
		tracer(data)
	}
	accuracy()
	cost()
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, "\t :\n")
		}
	}
	return runtime.GOARCH
}

func emissions(data string) {
	fmt.Println("EMEP/EEA 2019 hot functions (air factors --table)")
	run(&aircli.FactorsCmd{Table: filepath.Join(data, "emissions", "emep_eea_2019_hot.csv.gz")})
}

func tracer(data string) {
	fmt.Println("\nIdaho Falls, tests 1 and 3 (air validate)")
	d := filepath.Join(data, "idaho_falls")
	run(&aircli.ValidateCmd{Met: filepath.Join(d, "met.csv"), Observations: filepath.Join(d, "observations.csv"), Reference: filepath.Join(d, "rline_v12_reference.csv")})
}

func run(c interface{ Run(io.Writer) error }) {
	if err := c.Run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// hours are the three kinds of weather of the targets.
var hours = []struct {
	name string
	met  dispersion.Met
}{
	{"neutral", dispersion.Met{FrictionVelocity: .35, ConvectiveVelocity: .4, Obukhov: -800, MixingHeight: 500, Roughness: .5, Wind: 3.5, From: 250, Reference: 10}},
	{"stable", dispersion.Met{FrictionVelocity: .15, Obukhov: 40, MixingHeight: 150, Roughness: .5, Wind: 2, From: 250, Reference: 10}},
	{"convective", dispersion.Met{FrictionVelocity: .3, ConvectiveVelocity: 1.5, Obukhov: -30, MixingHeight: 1000, Roughness: .5, Wind: 2.5, From: 250, Reference: 10}},
}

// streets is a grid of nx × nx blocks, two links each, with receptors all over.
func streets(nx int, spacing float64, receptors int) (l dispersion.Links, rec dispersion.Receptors) {
	r := rand.New(rand.NewPCG(1, 1))
	add := func(x0, y0, x1, y1 float64) {
		l.X0M, l.Y0M, l.X1M, l.Y1M = append(l.X0M, x0), append(l.Y0M, y0), append(l.X1M, x1), append(l.Y1M, y1)
		l.RateGMS, l.HeightM, l.SigmaZ0M = append(l.RateGMS, r.ExpFloat64()*5e-5), append(l.HeightM, .5), append(l.SigmaZ0M, 1.3)
	}
	for i := range nx {
		for j := range nx {
			x, y := float64(i)*spacing, float64(j)*spacing
			add(x, y, x+spacing, y)
			add(x, y, x, y+spacing)
		}
	}
	size := float64(nx) * spacing
	for range receptors {
		rec.XM, rec.YM, rec.ZM = append(rec.XM, r.Float64()*size), append(rec.YM, r.Float64()*size), append(rec.ZM, 1.5)
	}
	return l, rec
}

// first keeps n links of l, spread evenly.
func first(l dispersion.Links, n int) dispersion.Links {
	c := func(v []float64) []float64 { return v[:n] }
	return dispersion.Links{X0M: c(l.X0M), Y0M: c(l.Y0M), X1M: c(l.X1M), Y1M: c(l.Y1M), RateGMS: c(l.RateGMS), HeightM: c(l.HeightM), SigmaZ0M: c(l.SigmaZ0M)}
}

func accuracy() {
	fmt.Println("\n1000 links x 1000 receptors, one hour, one core: error against the converged integral, CPU time (median of 7)")
	l, rec := streets(23, 217, 1000)
	l = first(l, 1000)
	for _, h := range hours {
		got := must(dispersion.Compute(1, l, rec, h.met))
		want := must(dispersion.Exact(0, l, rec, h.met))
		var times []float64
		for range 7 {
			times = append(times, cpu(func() { must(dispersion.Compute(1, l, rec, h.met)) }))
		}
		slices.Sort(times)
		fmt.Printf("  %-10s  %s  %.3f s\n", h.name, deviations(got, want), times[3])
	}
}

func cost() {
	fmt.Println("\n20 000 links x 100 000 receptors, one core: error at 1 000 random receptors, CPU time; matrix of the same hour")
	l, rec := streets(100, 217, 100_000)
	some := dispersion.Receptors{XM: rec.XM[:1000], YM: rec.YM[:1000], ZM: rec.ZM[:1000]}
	for _, h := range hours {
		var got, again []unit.Concentration
		one := cpu(func() { got = must(dispersion.Compute(1, l, rec, h.met)) })
		want := must(dispersion.Exact(0, l, some, h.met))
		var m *dispersion.Matrix
		build := cpu(func() { m = must(dispersion.NewMatrix(1, l, rec, h.met)) })
		apply := cpu(func() { again = must(m.Apply(1, l.RateGMS)) })
		fmt.Printf("  %-10s  %s  %.2f s; matrix %d M entries, built %.2f s, applied %.3f s, p95 against the converged integral %.3f %%\n",
			h.name, deviations(got[:1000], want), one, m.Entries()/1_000_000, build, apply, 100*p95(again[:1000], want))
		m = nil
		debug.FreeOSMemory()
	}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		fmt.Printf("  peak memory of this program %.0f MiB\n", float64(u.Maxrss)/1024)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// cpu is the CPU time that f takes in seconds.
func cpu(f func()) float64 {
	at := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			log.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	runtime.GC()
	start := at()
	f()
	return (at() - start).Seconds()
}

func relative(got, want []unit.Concentration) []float64 {
	var d []float64
	for i := range want {
		d = append(d, math.Abs(float64(got[i]/want[i])-1))
	}
	slices.Sort(d)
	return d
}

func p95(got, want []unit.Concentration) float64 {
	d := relative(got, want)
	return d[len(d)*95/100]
}

func deviations(got, want []unit.Concentration) string {
	d := relative(got, want)
	return fmt.Sprintf("median %.3f %%  p95 %.3f %%  max %.2f %%", 100*d[len(d)/2], 100*d[len(d)*95/100], 100*d[len(d)-1])
}
