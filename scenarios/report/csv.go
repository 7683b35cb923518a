package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"tideway/geo"
	"tideway/scenarios"
)

// csvColumns are those of WriteCSV: a row per scenario and indicator.
var csvColumns = []string{"scenario", "name", "kpi", "unit", "lower_is_better", "base", "alt", "diff", "lo95", "hi95", "p", "p_holm", "variance_ratio", "better", "test",
	"base_median", "alt_median", "bimodal"}

// WriteCSV writes the indicators of every scenario; unknown figures are empty.
func WriteCSV(out io.Writer, c *scenarios.Comparison) error {
	w := csv.NewWriter(out)
	_ = w.Write(csvColumns) // the first error sticks and is returned below
	for _, a := range c.Alternatives {
		for _, k := range a.KPIs {
			_ = w.Write([]string{a.Scenario, a.Name, k.KPI, k.Unit, strconv.FormatBool(k.Lower), plain(k.Base), plain(k.Alt), plain(k.Diff), plain(k.Lo95), plain(k.Hi95),
				plain(k.P), plain(k.PHolm), plain(k.VarianceRatio), string(k.Better), k.Test, plain(k.BaseMedian), plain(k.AltMedian), strconv.FormatBool(k.Bimodal)})
		}
	}
	return flush(w)
}

func flush(w *csv.Writer) error {
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

func plain(n scenarios.Number) string {
	if !n.Known() {
		return ""
	}
	return strconv.FormatFloat(float64(n), 'g', -1, 64)
}

// WriteSegmentsCSV writes the differences per segment of every scenario that
// has them: means over replications, time lost summed over vehicles.
func WriteSegmentsCSV(out io.Writer, city *geo.City, c *scenarios.Comparison) error {
	w := csv.NewWriter(out)
	_ = w.Write([]string{"scenario", "segment", "street", "base_speed_kmh", "alt_speed_kmh", "base_delay_s", "alt_delay_s", "base_flow_vph", "alt_flow_vph"})
	for _, a := range c.Alternatives {
		d := a.Segments
		if d == nil || len(d.AltDelayS) != city.Segments.Len() {
			continue
		}
		for s, seg := range city.Segments.All() {
			row := []string{a.Scenario, seg.ID, seg.Name}
			for _, col := range [][]float32{d.BaseSpeedKMH, d.AltSpeedKMH, d.BaseDelayS, d.AltDelayS, d.BaseFlowVPH, d.AltFlowVPH} {
				row = append(row, strconv.FormatFloat(float64(col[s]), 'f', 2, 32))
			}
			_ = w.Write(row)
		}
	}
	return flush(w)
}
