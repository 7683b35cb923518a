package scenarios

import (
	"encoding/json"
	"time"
)

// Request asks for a run: scenarios to be compared with the base. Zero values
// take the lab's defaults.
type Request struct {
	Scenarios    []string      `json:"scenarios"` // ids of stored scenarios
	Begin        time.Duration `json:"begin"`     // on the demand's clock
	End          time.Duration `json:"end"`       // of departures
	Replications int           `json:"replications"`
	Most         int           `json:"most"` // above Replications: go on until intervals are small enough, at most this
	Seed         uint64        `json:"seed"`
	Poisson      bool          `json:"poisson"` // draw departures per replication instead of the frozen ones

	Goal     *Goal         `json:"goal,omitempty"`     // set: better signal plans are searched, and Scenarios is empty
	Volume   float64       `json:"volume,omitempty"`   // demand times this on every side, as a forecast expects it; 0: as it is
	Deadline time.Duration `json:"deadline,omitempty"` // counted from submission: no replication begins after it, two at least are simulated
}

// Goal asks for better fixed-time plans.
type Goal struct {
	Signals     []string `json:"signals,omitempty"` // ids; none: all
	Evaluations int      `json:"evaluations"`       // simulations of the search
	Limits      Limits   `json:"limits"`
}

// Kind tells what a request asks for: "comparison", "optimisation" or
// "recommendation".
func (r Request) Kind() string {
	switch {
	case r.Goal != nil:
		return "optimisation"
	case r.Deadline > 0:
		return "recommendation"
	}
	return "comparison"
}

// State is how far a run got.
type State string

// States of a run.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended reports whether the run will not change any more.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Run is one execution of scenarios against their base. Its id is the hash of
// everything its result depends on, so that asking again finds it.
type Run struct {
	ID      string  `json:"id"`
	State   State   `json:"state"`
	Request Request `json:"request"`
	Origin
	Done      int       `json:"done"`  // simulations finished
	Total     int       `json:"total"` // simulations in all, as far as known
	Submitted time.Time `json:"submitted_at"`
	Started   time.Time `json:"started_at,omitzero"`
	Ended     time.Time `json:"ended_at,omitzero"`
	Error     string    `json:"error,omitempty"`
	Attempts  int       `json:"attempts"` // workers that took it up
}

// Origin names what a run's result depends on beside its request.
type Origin struct {
	Base   string `json:"base"`   // version of the city
	Demand string `json:"demand"` // hash of its demand
	Engine string `json:"engine"` // version of the engine
	Rules  string `json:"rules"`  // hash of the rules of simulating that no request names
	Air    string `json:"air"`    // see Air.Version
}

// RunID returns the identity of a run: hash of its origin, scenarios, period,
// seed and replications.
func RunID(o Origin, r Request) string {
	text, err := json.Marshal(struct {
		Origin
		Request
	}{o, r})
	if err != nil {
		panic(err) // strings and numbers
	}
	return hashID(text)
}
