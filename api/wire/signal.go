package wire

// SignalEdit is the body of POST /v1/signals/{id}/evaluate: what a signal.adjust
// operation would do to a plan, and the traffic it is judged with. An empty
// one judges the plan in force.
type SignalEdit struct {
	Plan    string       `json:"plan,omitempty" doc:"Id of the plan to change; the one in force when runs begin when left out."`
	CycleS  *float64     `json:"cycle_s,omitempty" doc:"New cycle; greens are scaled to fit it."`
	OffsetS *float64     `json:"offset_s,omitempty"`
	Split   []SplitEdit  `json:"split,omitempty" doc:"Without a new cycle their changes must add up to 0."`
	Volumes []TurnVolume `json:"volumes,omitempty" doc:"Turns that have another volume than the demand says."`
	From    string       `json:"volumes_from,omitempty" enum:"demand,now,forecast" doc:"Volumes of the demand (default), or scaled to the flow seen on the approaches now, or expected within the next hour; the demand's where nothing is known."`
}

// SplitEdit is the new duration of a green stage, or of a phase's split.
type SplitEdit struct {
	Stage     int     `json:"stage,omitempty" doc:"Number of the stage, from 1."`
	Phase     int     `json:"phase,omitempty" doc:"Or: NEMA number of a phase."`
	DurationS float64 `json:"duration_s"`
}

// TurnVolume is the volume of a turn.
type TurnVolume struct {
	From    string  `json:"from" doc:"Segment it leads from."`
	To      string  `json:"to" doc:"Segment it leads to."`
	FlowVPH float64 `json:"flow_vph" minimum:"0"`
}

// SignalEvaluation is a signal under a plan, worked out after the Highway
// Capacity Manual (7th edition); nothing is simulated, so arrivals are random
// and the offset changes nothing here.
type SignalEvaluation struct {
	Signal   string          `json:"signal"`
	Plan     Plan            `json:"plan" doc:"As changed."`
	LeastS   []float64       `json:"least_s" doc:"Per stage or phase: the shortest green stage or split that is accepted; 0: a clearance, which is not changed."`
	Shown    []Stage         `json:"shown" doc:"What every group shows over one cycle; of rings and barriers what they show together when all splits are used."`
	DelayS   float64         `json:"delay_s" doc:"Control delay, mean over vehicles."`
	X        *float64        `json:"saturation" doc:"Highest degree of saturation; null where traffic has no capacity."`
	LOS      string          `json:"los"`
	Turns    []SignalTurn    `json:"turns"`
	Groups   []LaneGroup     `json:"groups"`
	Findings []SignalFinding `json:"findings"`
}

// SignalTurn is a turn with the volume that was used.
type SignalTurn struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Turn    string  `json:"turn" enum:"straight,right,slight_right,left,slight_left,uturn"`
	Groups  []int   `json:"groups" doc:"Positions in the states of the stages."`
	FlowVPH float64 `json:"flow_vph"`
	Source  string  `json:"source" enum:"demand,approach,given"`
}

// LaneGroup is lanes of one approach that serve the same turns.
type LaneGroup struct {
	Approach      string   `json:"approach" doc:"Segment."`
	Lanes         []int    `json:"lanes" doc:"0 is nearest the kerb."`
	Turns         []int    `json:"turns" doc:"Positions in turns."`
	FlowVPH       float64  `json:"flow_vph"`
	GreenS        float64  `json:"green_s"`
	SaturationVPH float64  `json:"saturation_vph" doc:"Saturation flow, mean over the green."`
	CapacityVPH   float64  `json:"capacity_vph"`
	X             *float64 `json:"saturation" doc:"Degree of saturation; null without capacity, like delay."`
	DelayS        *float64 `json:"delay_s"`
	LOS           string   `json:"los"`
	Queue95       *float64 `json:"queue95_veh" doc:"95th percentile back of queue, vehicles per lane."`
}

// SignalFinding is something to say about a plan.
type SignalFinding struct {
	Rule    string `json:"rule"`
	Stage   int    `json:"stage,omitempty"`
	Phase   int    `json:"phase,omitempty"`
	Message string `json:"message"`
	Refused bool   `json:"refused" doc:"No scenario may put such a plan in force; else advice, or as it was before."`
}
