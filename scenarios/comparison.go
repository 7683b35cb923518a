package scenarios

import (
	"encoding/json"
	"math"
	"strconv"
)

// Number is a figure that may be unknown: NaN here, null in JSON.
type Number float64

// Known reports whether the figure is a finite number.
func (n Number) Known() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON writes the shortest exact form, or null.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Known() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads a number or null.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	*n = Number(v)
	return err
}

// Comparison is what a run found: differences of alternatives to their base,
// per indicator, with 95 % intervals.
type Comparison struct {
	City         string        `json:"city_version"`
	Engine       string        `json:"engine"`
	Seed         uint64        `json:"seed"`
	Replications int           `json:"replications"`
	CPUS         float64       `json:"cpu_s"`  // filled by the caller, who has a clock
	WallS        float64       `json:"wall_s"` // same
	Base         Side          `json:"base"`
	Alternatives []Alternative `json:"alternatives"`
	Calibration  *Calibration  `json:"calibration,omitempty"` // of the base, where counts were given
}

// Side tells how the replications of one case went.
type Side struct {
	GridlockShare float64 `json:"gridlock_share"` // of replications that did not clear or stood still
	Unfinished    float64 `json:"unfinished"`     // trips on the road or never inserted at the end, mean
	Released      float64 `json:"released"`       // vehicles moved on by the stuck rule, mean
	StateHash     string  `json:"state_hash"`     // over all replications: equal bits, equal hash
}

// Alternative is one scenario against the base.
type Alternative struct {
	Scenario string   `json:"scenario"`
	Name     string   `json:"name"`
	Changes  []string `json:"changes"`
	Warnings []string `json:"warnings,omitempty"`
	Side
	KPIs      []KPI        `json:"kpis"`
	Places    []PlaceKPI   `json:"places,omitempty"` // zones, streets with signals, turns of signals that are changed
	Identical bool         `json:"identical"`        // every replication ended in the base's bits
	Segments  *SegmentDiff `json:"segments,omitempty"`
	Air       *AirDiff     `json:"air,omitempty"`
}

// Verdict says whether an alternative is better by an indicator.
type Verdict string

// Verdicts.
const (
	Better  Verdict = "yes"
	Worse   Verdict = "no"
	Unclear Verdict = "unclear" // the interval holds 0, or what it shows may be luck among so many indicators
)

// KPI is the difference of one indicator, alternative minus base.
type KPI struct {
	KPI           string  `json:"kpi"`
	Unit          string  `json:"unit"`
	Lower         bool    `json:"lower_is_better"`
	Base          Number  `json:"base"` // mean over replications
	Alt           Number  `json:"alt"`
	Diff          Number  `json:"diff"`
	Lo95          Number  `json:"lo95"`
	Hi95          Number  `json:"hi95"`
	P             Number  `json:"p"`
	PHolm         Number  `json:"p_holm"` // corrected for the family of indicators and scenarios
	VarianceRatio Number  `json:"variance_ratio"`
	Better        Verdict `json:"better"`
	Test          string  `json:"test"` // "t", "wilcoxon" where differences are skewed, "none" below 2 replications
	BaseMedian    Number  `json:"base_median"`
	AltMedian     Number  `json:"alt_median"`
	Bimodal       bool    `json:"bimodal"` // replications fall into two groups: read the medians, not the means
}

// SegmentDiff is a comparison per segment as columns, means over replications;
// position i is segment i of the city.
type SegmentDiff struct {
	BaseSpeedKMH []float32 `json:"base_speed_kmh"`
	AltSpeedKMH  []float32 `json:"alt_speed_kmh"`
	BaseDelayS   []float32 `json:"base_delay_s"` // time lost on the segment, summed over vehicles
	AltDelayS    []float32 `json:"alt_delay_s"`
	BaseFlowVPH  []float32 `json:"base_flow_vph"`
	AltFlowVPH   []float32 `json:"alt_flow_vph"`
}
