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

// DisperseCmd is tideway air disperse.
type DisperseCmd struct {
	Links     string `required:"" help:"CSV: x0_m, y0_m, x1_m, y1_m, q_g_s_m2 over width_m, height_m, sigma_z0_m." type:"path" placeholder:"FILE"`
	Receptors string `required:"" help:"CSV: x_m, y_m, and optionally z_m (1.5) and id." type:"path" placeholder:"FILE"`
	Met       string `required:"" help:"CSV, one row an hour: ustar_ms, wstar_ms, zi_conv_m, zi_mech_m, L_m, z0_m, wspd_ms, wdir_deg, zref_m." type:"path" placeholder:"FILE"`
	Out       string `required:"" help:"CSV to write: receptor, hour, c_ugm3." type:"path" placeholder:"FILE"`
	Threads   int    `help:"Cores to use; 0: all." default:"0"`
	JSON      bool   `help:"Print one JSON object."`
}

type disperseReport struct {
	Links     int      `json:"links"`
	Receptors int      `json:"receptors"`
	Hours     int      `json:"hours"`
	LoadCPUS  float64  `json:"load_cpu_s"`
	RunCPUS   float64  `json:"run_cpu_s"`
	PeakMB    float64  `json:"peak_rss_mb"`
	Notes     []string `json:"notes"`
}

// Run reads the three files, computes every hour and writes the result.
func (c *DisperseCmd) Run(out io.Writer) error {
	start, _ := used()
	links, receptors, ids, hours, err := c.read()
	if err != nil {
		return err
	}
	loaded, _ := used()
	conc := make([][]unit.Concentration, len(hours))
	for i, h := range hours {
		if conc[i], err = dispersion.Compute(c.Threads, links, receptors, h.met); err != nil {
			return fmt.Errorf("hour %d: %w", i, err)
		}
	}
	done, peak := used()
	r := disperseReport{links.Len(), receptors.Len(), len(hours), (loaded - start).Seconds(), (done - loaded).Seconds(), peak, []string{}}
	for i, h := range hours {
		if h.note != "" {
			r.Notes = append(r.Notes, fmt.Sprintf("hour %d: %s", i, h.note))
		}
	}
	if err := writeFile(c.Out, func(w *bufio.Writer) { writeConcentrations(w, ids, conc) }); err != nil {
		return err
	}
	return report(out, c.JSON, r, func(w io.Writer) {
		fmt.Fprintf(w, "%d links, %d receptors, %d hours: %.3f CPU s to read, %.3f CPU s to run, peak %.0f MB\n", r.Links, r.Receptors, r.Hours, r.LoadCPUS, r.RunCPUS, r.PeakMB)
		for _, n := range r.Notes {
			fmt.Fprintln(w, n)
		}
	})
}

func writeConcentrations(w *bufio.Writer, ids []string, conc [][]unit.Concentration) {
	w.WriteString("receptor,hour,c_ugm3\n")
	var b []byte
	for h, cs := range conc {
		for i, c := range cs {
			b = append(b[:0], csvField(ids[i])...)
			b = append(b, ',')
			b = strconv.AppendInt(b, int64(h), 10)
			b = append(b, ',')
			b = strconv.AppendFloat(b, c.UGM3(), 'g', 7, 64)
			w.Write(append(b, '\n'))
		}
	}
}

// csvField quotes an id where it needs quotes.
func csvField(s string) string {
	if !strings.ContainsAny(s, ",\"\r\n") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

func (c *DisperseCmd) read() (l dispersion.Links, r dispersion.Receptors, ids []string, hours []hour, err error) {
	var bad fault.List
	tables := [3]*table{}
	for i, path := range [3]string{c.Links, c.Receptors, c.Met} {
		t, err := readFile(path)
		bad.Add(path, err)
		tables[i] = t
	}
	if bad.Len() > 0 {
		return l, r, nil, nil, bad.Err("air disperse")
	}
	l = linksOf(tables[0], &bad)
	r = receptorsOf(tables[1], &bad)
	hours = hoursOf(tables[2], &bad)
	if bad.Len() == 0 {
		l.Check(tables[0].where, &bad)
		r.Check(tables[1].where, &bad)
		for i, h := range hours {
			h.met.Check(tables[2].where(i), &bad)
		}
	}
	return l, r, tables[1].ids("id"), hours, bad.Err("air disperse")
}

var must = math.NaN()

func linksOf(t *table, bad *fault.List) dispersion.Links {
	l := dispersion.Links{
		X0M: t.numbers(bad, must, "x0_m"), Y0M: t.numbers(bad, must, "y0_m"), X1M: t.numbers(bad, must, "x1_m"), Y1M: t.numbers(bad, must, "y1_m"),
		RateGMS: t.numbers(bad, must, "q_g_s_m2"), HeightM: t.numbers(bad, .5, "height_m"), SigmaZ0M: t.numbers(bad, 1.3, "sigma_z0_m"),
	}
	for i, w := range t.numbers(bad, must, "width_m") {
		if w <= 0 {
			bad.Addf(t.where(i), "width_m", "is %g, expected more than 0", w)
		}
		l.RateGMS[i] *= w
	}
	return l
}

func receptorsOf(t *table, bad *fault.List) dispersion.Receptors {
	return dispersion.Receptors{XM: t.numbers(bad, must, "x_m"), YM: t.numbers(bad, must, "y_m"), ZM: t.numbers(bad, 1.5, "z_m")}
}
