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
	LOS         string         `json:"los" enum:"A,B,C,D,E,F,-" doc:"HCM urban street: speed above .80, .67, .50, .40, .30 of free flow is A to E; - where unknown."`
	Forecast    []CongestionAt `json:"forecast"`
	Model       string         `json:"model"`
	IssuedAt    time.Time      `json:"issued_at"`
	LOSDerived  bool           `json:"los_derived" doc:"The level of service comes from flow over capacity, as only counts exist."`
	TypicalKMH  *float64       `json:"typical_speed_kmh" doc:"Usual at this time of day."`
	Confidence  *float64       `json:"confidence" doc:"0 to 1: one minus the width of the 50 % interval of the speed over free flow."`
	Incident    bool           `json:"incident" doc:"Far below the typical speed here and on a neighbouring segment."`
	OnsetS      *float64       `json:"onset_s" doc:"When congestion becomes more likely than not, after issued_at; null when not expected."`
	Clear50S    *float64       `json:"clear_50_s" doc:"When a congested segment is free with probability 50 %; null when not congested or later than the last horizon."`
	Clear90S    *float64       `json:"clear_90_s"`
}

// CongestionAt is what is expected of a segment at one instant.
type CongestionAt struct {
	At         time.Time `json:"at"`
	SpeedKMH   *float64  `json:"speed_kmh"`
	Lo90KMH    *float64  `json:"lo90_kmh"`
	Hi90KMH    *float64  `json:"hi90_kmh"`
	PCongested *float64  `json:"p_congested" doc:"Probability that the speed is below the congestion threshold of the road's class: .6 of free flow on motorways and trunk roads, .5 on primary and secondary ones, .4 elsewhere."`
	LOS        string    `json:"los" enum:"A,B,C,D,E,F,-"`
	Lo50KMH    *float64  `json:"lo50_kmh"`
	Hi50KMH    *float64  `json:"hi50_kmh"`
	FlowVPH    *float64  `json:"flow_vph"`
}

// CongestionList is the answer of GET /v1/congestion.
type CongestionList struct {
	CityVersion string       `json:"city_version"`
	At          time.Time    `json:"at"`
	Segments    []Congestion `json:"segments"`
}

// ZoneCongestion is the traffic of a zone: means over its segments, weighted
// with their length.
type ZoneCongestion struct {
	Zone            string             `json:"zone"`
	Name            string             `json:"name"`
	Segments        int                `json:"segments"`
	SpeedKMH        *float64           `json:"speed_kmh"`
	SpeedRatio      *float64           `json:"speed_ratio" doc:"Speed over free flow."`
	TravelTimeIndex *float64           `json:"travel_time_index" doc:"Free flow over speed."`
	CongestedShare  *float64           `json:"congested_share" doc:"Share of road length congested."`
	LOS             string             `json:"los" enum:"A,B,C,D,E,F,-" doc:"Of the mean speed."`
	Forecast        []ZoneCongestionAt `json:"forecast"`
	IssuedAt        time.Time          `json:"issued_at"`
}

// ZoneCongestionAt is what is expected of a zone at one instant.
type ZoneCongestionAt struct {
	At              time.Time `json:"at"`
	SpeedRatio      *float64  `json:"speed_ratio"`
	TravelTimeIndex *float64  `json:"travel_time_index"`
	CongestedShare  *float64  `json:"congested_share"`
	LOS             string    `json:"los" enum:"A,B,C,D,E,F,-"`
}

// ZoneCongestionList is the answer of GET /v1/congestion/zones.
type ZoneCongestionList struct {
	CityVersion string           `json:"city_version"`
	At          time.Time        `json:"at"`
	Zones       []ZoneCongestion `json:"zones"`
}
