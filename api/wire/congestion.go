package wire

import "time"

// Congestion is what is known and expected of one segment: the record that an
// operations platform pulls.
type Congestion struct {
	Segment     string         `json:"segment"`
	ObservedAt  *time.Time     `json:"observed_at" doc:"End of the newest interval observed; null when never."`
	AgeS        *float64       `json:"age_s" doc:"Between observed_at and the snapshot."`
	Source      Source         `json:"source" enum:"observed,derived,imputed,profile,prior"`
	SpeedKMH    *float64       `json:"speed_kmh"`
	FreeFlowKMH float64        `json:"free_flow_kmh"`
	FlowVPH     *float64       `json:"flow_vph"`
	LOS         string         `json:"los" enum:"A,B,C,D,E,F,-" doc:"HCM urban street: speed above .80, .67, .50, .40, .30 of free flow is A to E; from flow over capacity (source derived) where only counts exist; - where unknown."`
	Forecast    []CongestionAt `json:"forecast"`
	Model       string         `json:"model"`
	IssuedAt    *time.Time     `json:"issued_at"`
}

// CongestionAt is what is expected of a segment at one instant.
type CongestionAt struct {
	At         time.Time `json:"at"`
	SpeedKMH   *float64  `json:"speed_kmh"`
	Lo90KMH    *float64  `json:"lo90_kmh"`
	Hi90KMH    *float64  `json:"hi90_kmh"`
	PCongested *float64  `json:"p_congested" doc:"Probability of level of service E or F."`
	LOS        string    `json:"los" enum:"A,B,C,D,E,F,-"`
}

// CongestionList is the answer of GET /v1/congestion.
type CongestionList struct {
	CityVersion string       `json:"city_version"`
	At          time.Time    `json:"at"`
	Segments    []Congestion `json:"segments"`
}

// ZoneCongestion is the traffic of a zone: means over its segments, weighted by
// length.
type ZoneCongestion struct {
	Zone            string             `json:"zone"`
	Name            string             `json:"name"`
	Segments        int                `json:"segments"`
	Observed        int                `json:"observed" doc:"Segments with a measured or derived state."`
	SpeedKMH        *float64           `json:"speed_kmh" doc:"Length over time to drive all segments."`
	FreeFlowKMH     *float64           `json:"free_flow_kmh"`
	CongestedShare  *float64           `json:"congested_share" doc:"Share of length at level of service E or F."`
	TravelTimeIndex *float64           `json:"travel_time_index" doc:"Time to drive over time at free flow."`
	LOS             string             `json:"los" enum:"A,B,C,D,E,F,-"`
	Forecast        []ZoneCongestionAt `json:"forecast"`
	Model           string             `json:"model"`
	IssuedAt        *time.Time         `json:"issued_at"`
}

// ZoneCongestionAt is what is expected of a zone at one instant.
type ZoneCongestionAt struct {
	At              time.Time `json:"at"`
	SpeedKMH        *float64  `json:"speed_kmh"`
	CongestedShare  *float64  `json:"congested_share" doc:"Expected share of length congested: mean probability."`
	TravelTimeIndex *float64  `json:"travel_time_index"`
	LOS             string    `json:"los" enum:"A,B,C,D,E,F,-"`
}

// ZoneCongestionList is the answer of GET /v1/congestion/zones.
type ZoneCongestionList struct {
	CityVersion string           `json:"city_version"`
	At          time.Time        `json:"at"`
	Zones       []ZoneCongestion `json:"zones"`
}
