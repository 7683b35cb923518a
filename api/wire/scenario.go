package wire

import (
	"encoding/json"
	"time"
)

// Scenario is a stored scenario. Its id is the hash of its canonical form, so
// that storing it again gives the same id.
type Scenario struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	About     string          `json:"about"`
	Base      string          `json:"base" doc:"Version of the city it was resolved against."`
	CreatedAt time.Time       `json:"created_at"`
	Changes   int             `json:"changes" doc:"Number of operations."`
	Document  json.RawMessage `json:"document,omitempty" doc:"The scenario document in canonical form; left out of lists."`
}

// ScenarioList is the answer of GET /v1/scenarios, newest first.
type ScenarioList struct {
	Scenarios []Scenario `json:"scenarios"`
}

// ScenarioCheck is the answer of POST /v1/scenarios/validate: the id it would
// have and its changes in words. A scenario that does not resolve is answered
// with 422 and every problem.
type ScenarioCheck struct {
	ID       string   `json:"id"`
	Changes  []string `json:"changes"`
	Warnings []string `json:"warnings"`
}

// ScenarioDiff tells how two scenarios differ.
type ScenarioDiff struct {
	From string   `json:"from"`
	To   string   `json:"to"`
	Same bool     `json:"same"`
	Text []string `json:"text" doc:"Differences in words."`
}

// RunRequest is the body of POST /v1/runs: the scenarios to compare with the
// base. Fields left out take the service's defaults.
type RunRequest struct {
	Scenarios        []string `json:"scenarios" minItems:"1" maxItems:"20" doc:"Ids of stored scenarios."`
	BeginS           *float64 `json:"begin_s,omitempty" minimum:"0" doc:"Begin of the simulated period on the demand's clock."`
	EndS             *float64 `json:"end_s,omitempty" minimum:"0" doc:"End of departures on the demand's clock."`
	Replications     int      `json:"replications,omitempty" minimum:"1" maximum:"200"`
	MostReplications int      `json:"most_replications,omitempty" minimum:"1" maximum:"1000" doc:"Above replications: go on until the intervals are narrow, at most this."`
	Poisson          bool     `json:"poisson,omitempty" doc:"Draw departures anew in every replication."`
	Seed             *uint64  `json:"seed,omitempty"`
}

// RunState is how far a run got.
type RunState string

// States of a run.
const (
	RunQueued    RunState = "queued"
	RunRunning   RunState = "running"
	RunDone      RunState = "done"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
)

// Ended reports whether the run will not change any more.
func (s RunState) Ended() bool { return s == RunDone || s == RunFailed || s == RunCancelled }

// Run is one execution of scenarios against their base.
type Run struct {
	ID           string     `json:"id"`
	Kind         string     `json:"kind" enum:"comparison,optimisation,recommendation" doc:"Where to look once it is done: under /v1/comparisons, /v1/optimisations or /v1/recommendations, by the run's id."`
	State        RunState   `json:"state" enum:"queued,running,done,failed,cancelled"`
	Scenarios    []string   `json:"scenarios"`
	BeginS       float64    `json:"begin_s"`
	EndS         float64    `json:"end_s"`
	Replications int        `json:"replications"`
	Seed         uint64     `json:"seed"`
	CityVersion  string     `json:"city_version"`
	Engine       string     `json:"engine"`
	Done         int        `json:"done" doc:"Simulations finished."`
	Total        int        `json:"total" doc:"Simulations in all."`
	SubmittedAt  time.Time  `json:"submitted_at"`
	StartedAt    *time.Time `json:"started_at"`
	EndedAt      *time.Time `json:"ended_at"`
	Error        string     `json:"error,omitempty"`
	Comparison   string     `json:"comparison,omitempty" doc:"Id of what it compared, once done."`
}

// RunList is the answer of GET /v1/runs, newest first.
type RunList struct {
	Runs []Run `json:"runs"`
}

// Comparison is what a run found: differences per indicator with 95 % intervals.
type Comparison struct {
	ID           string        `json:"id"`
	Run          string        `json:"run"`
	CityVersion  string        `json:"city_version"`
	Engine       string        `json:"engine"`
	Seed         uint64        `json:"seed"`
	Replications int           `json:"replications"`
	CPUS         float64       `json:"cpu_s"`
	WallS        float64       `json:"wall_s"`
	CreatedAt    time.Time     `json:"created_at"`
	Base         Side          `json:"base"`
	Alternatives []Alternative `json:"alternatives"`
}

// Side tells how the replications of one case went.
type Side struct {
	GridlockShare float64 `json:"gridlock_share" doc:"Share of replications that did not clear or stood still."`
	Unfinished    float64 `json:"unfinished" doc:"Trips not finished, mean over replications."`
	Released      float64 `json:"released" doc:"Vehicles moved on by the stuck rule, mean."`
	StateHash     string  `json:"state_hash" doc:"Over all replications: equal bits, equal hash."`
}

// Alternative is one scenario against the base.
type Alternative struct {
	Scenario string   `json:"scenario"`
	Name     string   `json:"name"`
	Changes  []string `json:"changes" doc:"What was done, in words."`
	Warnings []string `json:"warnings"`
	Side
	Identical bool       `json:"identical" doc:"Every replication ended in the same bits as the base's."`
	KPIs      []KPI      `json:"kpis"`
	Places    []PlaceKPI `json:"places" doc:"Indicators of zones, of streets with signals (the 30 that change most), and of the turns of signals that are changed."`
	Air       *AirDiff   `json:"air,omitempty"`
}

// PlaceKPI is the difference of one indicator at a place. Its verdict is that of
// its own interval, not corrected for how many there are.
type PlaceKPI struct {
	Kind          string   `json:"kind" enum:"zone,street,turn"`
	ID            string   `json:"id" doc:"Of the zone; name of the street; segments that the turn joins."`
	Signal        string   `json:"signal,omitempty"`
	KPI           string   `json:"kpi"`
	Unit          string   `json:"unit"`
	LowerIsBetter bool     `json:"lower_is_better"`
	Base          *float64 `json:"base"`
	Alt           *float64 `json:"alt"`
	Diff          *float64 `json:"diff"`
	Lo95          *float64 `json:"lo95"`
	Hi95          *float64 `json:"hi95"`
	Better        string   `json:"better" enum:"yes,no,unclear"`
	BaseLOS       string   `json:"base_los,omitempty" doc:"Level of service of a turn's delay."`
	AltLOS        string   `json:"alt_los,omitempty"`
}

// AirDiff is what an alternative does to the air that people breathe.
type AirDiff struct {
	Fleet      string    `json:"fleet" doc:"Vehicles of the base."`
	WeightedBy string    `json:"weighted_by" enum:"population,area" doc:"What exposure is weighted by: area where no zone has a population."`
	Zones      []ZoneAir `json:"zones"`
}

// ZoneAir is what traffic adds to the air of a zone, means over replications
// under a reference weather.
type ZoneAir struct {
	Zone       string   `json:"zone"`
	Population *float64 `json:"population"`
	BaseNO2    *float64 `json:"base_no2_ugm3"`
	AltNO2     *float64 `json:"alt_no2_ugm3"`
	DiffNO2    *float64 `json:"diff_no2_ugm3"`
	LoNO2      *float64 `json:"lo95_no2_ugm3"`
	HiNO2      *float64 `json:"hi95_no2_ugm3"`
	BasePM25   *float64 `json:"base_pm25_ugm3"`
	AltPM25    *float64 `json:"alt_pm25_ugm3"`
	Better     string   `json:"better" enum:"yes,no,unclear" doc:"By NO2."`
}

// KPI is the difference of one indicator, alternative minus base.
type KPI struct {
	KPI           string   `json:"kpi"`
	Unit          string   `json:"unit"`
	LowerIsBetter bool     `json:"lower_is_better"`
	Base          *float64 `json:"base"`
	Alt           *float64 `json:"alt"`
	Diff          *float64 `json:"diff"`
	Lo95          *float64 `json:"lo95"`
	Hi95          *float64 `json:"hi95"`
	P             *float64 `json:"p"`
	PHolm         *float64 `json:"p_holm" doc:"p of the paired test, corrected for the number of indicators."`
	VarianceRatio *float64 `json:"variance_ratio" doc:"Variance without common random numbers over that with them."`
	Better        string   `json:"better" enum:"yes,no,unclear" doc:"Whether the alternative is better: yes and no are certain among all indicators of the table, by interval and p_holm."`
	Test          string   `json:"test" enum:"t,wilcoxon,none"`
	BaseMedian    *float64 `json:"base_median"`
	AltMedian     *float64 `json:"alt_median"`
	Bimodal       bool     `json:"bimodal" doc:"Replications fall into two groups: read the medians, not the means."`
}

// ComparisonList is the answer of GET /v1/comparisons, newest first.
type ComparisonList struct {
	Comparisons []Comparison `json:"comparisons"`
}

// ComparisonMap is a comparison per segment as columns: what the difference map
// shows. Position i is segment i of GET /v1/segments.
type ComparisonMap struct {
	ID           string           `json:"id"`
	CityVersion  string           `json:"city_version"`
	Alternatives []AlternativeMap `json:"alternatives"`
}

// AlternativeMap holds means over replications, one value per segment.
type AlternativeMap struct {
	Scenario     string     `json:"scenario"`
	BaseSpeedKMH []*float64 `json:"base_speed_kmh"`
	AltSpeedKMH  []*float64 `json:"alt_speed_kmh"`
	BaseDelayS   []*float64 `json:"base_delay_s" doc:"Time lost on the segment, summed over vehicles."`
	AltDelayS    []*float64 `json:"alt_delay_s"`
	BaseFlowVPH  []*float64 `json:"base_flow_vph"`
	AltFlowVPH   []*float64 `json:"alt_flow_vph"`
}
