package wire

import "encoding/json"

// Fork is the body of POST /v1/scenarios/{id}/fork: a scenario that begins
// with the changes of another and goes on with its own.
type Fork struct {
	Name    string            `json:"name" minLength:"1"`
	About   string            `json:"about,omitempty"`
	Changes []json.RawMessage `json:"changes,omitempty" doc:"Further operations, as in a scenario document."`
}

// Rebased is the answer of POST /v1/scenarios/{id}/rebase: the scenario pinned
// to the city in force. It is stored under its id unless there are conflicts.
type Rebased struct {
	ID        string          `json:"id"`
	Base      string          `json:"base" doc:"Version of the city it is pinned to."`
	Stored    bool            `json:"stored"`
	Conflicts []Conflict      `json:"conflicts"`
	Document  json.RawMessage `json:"document"`
}

// Conflict is something that the city no longer has, or has otherwise than the
// scenario was told.
type Conflict struct {
	Location string `json:"location"`
	ID       string `json:"id"`
	Message  string `json:"message"`
}

// OptimisationRequest is the body of POST /v1/optimisations. Fields left out
// take the service's defaults.
type OptimisationRequest struct {
	Signals     []string `json:"signals,omitempty" doc:"Ids; all signals when left out."`
	Evaluations int      `json:"evaluations,omitempty" minimum:"1" maximum:"5000" doc:"Simulations of the search; 200 when left out."`
	Validation  int      `json:"validation,omitempty" minimum:"5" maximum:"200" doc:"Replications for the verdict; 10 when left out."`
	MinGreenS   float64  `json:"min_green_s,omitempty" minimum:"4" maximum:"60"`
	MinCycleS   float64  `json:"min_cycle_s,omitempty" minimum:"20" maximum:"300"`
	MaxCycleS   float64  `json:"max_cycle_s,omitempty" minimum:"20" maximum:"300"`
	KeepCycles  bool     `json:"keep_cycles,omitempty"`
	BeginS      *float64 `json:"begin_s,omitempty" minimum:"0"`
	EndS        *float64 `json:"end_s,omitempty" minimum:"0"`
	Seed        *uint64  `json:"seed,omitempty"`
}

// Optimisation is what a search for better signal plans found.
type Optimisation struct {
	ID          string   `json:"id"`
	Verdict     string   `json:"verdict" enum:"improved,no_change" doc:"improved: certain at 95 % on replications that the search never saw."`
	BaseDelayS  float64  `json:"base_delay_s"`
	PlanDelayS  float64  `json:"plan_delay_s"`
	DiffS       *float64 `json:"diff_s" doc:"Of the best plans found, also when they were not good enough."`
	Lo95S       *float64 `json:"lo95_s"`
	Hi95S       *float64 `json:"hi95_s"`
	Evaluations int      `json:"evaluations"`
	CPUS        float64  `json:"cpu_s"`
	WallS       float64  `json:"wall_s"`
	Changes     []string `json:"changes" doc:"In words."`
	Scenario    string   `json:"scenario,omitempty" doc:"Id of the stored scenario with the plans; none with no_change."`
}

// RecommendationRequest is the body of POST /v1/recommendations.
type RecommendationRequest struct {
	Scenarios    []string `json:"scenarios" minItems:"1" maxItems:"20" doc:"Ids of stored scenarios to choose from."`
	DeadlineS    float64  `json:"deadline_s" minimum:"1" maximum:"3600" doc:"Seconds within which the answer is needed; more replications fit into more of them."`
	Replications int      `json:"replications,omitempty" minimum:"2" maximum:"200" doc:"At most; 30 when left out."`
}

// Recommendation ranks scenarios for the next hour against doing nothing.
type Recommendation struct {
	ID           string   `json:"id"`
	BeginS       float64  `json:"begin_s" doc:"Of the hour, on the demand's clock."`
	EndS         float64  `json:"end_s"`
	Volume       float64  `json:"volume" doc:"Demand expected by the forecast, as a multiple of the usual."`
	Replications int      `json:"replications"`
	Recommended  string   `json:"recommended" doc:"Id of the scenario to put in force; empty: do nothing."`
	Ranking      []Ranked `json:"ranking" doc:"The least delay first."`
}

// Ranked is one place of a ranking.
type Ranked struct {
	Scenario string   `json:"scenario" doc:"Empty: do nothing."`
	Name     string   `json:"name"`
	DelayS   *float64 `json:"delay_s"`
	DiffS    *float64 `json:"diff_s"`
	Lo95S    *float64 `json:"lo95_s"`
	Hi95S    *float64 `json:"hi95_s"`
	Better   string   `json:"better" enum:"yes,no,unclear"`
}
