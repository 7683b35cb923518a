package wire

import "time"

// Source tells where a value comes from.
type Source string

// Sources, from the best to the weakest.
const (
	Observed    Source = "observed" // measured on the segment
	Derived     Source = "derived"  // computed from other measurements there, such as a level of service from counts
	Imputed     Source = "imputed"  // estimated from other sensors now
	FromProfile Source = "profile"  // what is typical for the hour
	Prior       Source = "prior"    // free flow: nothing is known
)

// Sources lists them in the order that SegmentColumns.Source refers to.
func Sources() []Source { return []Source{Observed, Derived, Imputed, FromProfile, Prior} }

// State is the state of every segment as columns. Position i is segment i of
// GET /v1/segments and feature id i of the tiles, for the same city_version.
type State struct {
	CityVersion string         `json:"city_version"`
	Seq         uint64         `json:"seq" doc:"Rises by one with every snapshot."`
	At          time.Time      `json:"at"`
	Sources     []Source       `json:"sources" doc:"What the numbers of source mean."`
	Segments    SegmentColumns `json:"segments"`
}

// SegmentColumns holds one value per segment in every column.
type SegmentColumns struct {
	SpeedKMH    []*float64 `json:"speed_kmh"`
	FreeFlowKMH []float64  `json:"free_flow_kmh"`
	FlowVPH     []*float64 `json:"flow_vph"`
	LOS         string     `json:"los" doc:"One letter a segment, A to F; - where unknown."`
	Source      []int      `json:"source"`
	AgeS        []*float64 `json:"age_s" doc:"Since the end of the newest interval observed."`
	TypicalKMH  []*float64 `json:"typical_speed_kmh" doc:"Usual at this time of day."`
	Incident    []int      `json:"incident" doc:"Positions of the segments with a suspected incident."`
}

// StateDelta is what changed since the snapshot before: the data of a
// "snapshot" event of the stream. Columns run over Segments.
type StateDelta struct {
	CityVersion string     `json:"city_version"`
	Seq         uint64     `json:"seq"`
	At          time.Time  `json:"at"`
	Reload      bool       `json:"reload" doc:"Too much changed to send: get the state."`
	Segments    []int      `json:"segments" doc:"Positions of the segments that changed."`
	SpeedKMH    []*float64 `json:"speed_kmh"`
	FlowVPH     []*float64 `json:"flow_vph"`
	LOS         string     `json:"los"`
	Source      []int      `json:"source"`
}

// FeatureCollection is GeoJSON.
type FeatureCollection struct {
	Type     string    `json:"type" enum:"FeatureCollection"`
	Features []Feature `json:"features"`
}

// Feature is a segment with its state, as GeoJSON.
type Feature struct {
	Type       string         `json:"type" enum:"Feature"`
	ID         int            `json:"id" doc:"Position, as in the columns."`
	Geometry   LineString     `json:"geometry"`
	Properties StateOfSegment `json:"properties"`
}

// LineString is a GeoJSON geometry.
type LineString struct {
	Type        string   `json:"type" enum:"LineString"`
	Coordinates []LonLat `json:"coordinates"`
}

// StateOfSegment is the state of one segment.
type StateOfSegment struct {
	Segment     string     `json:"segment"`
	Name        string     `json:"name"`
	ObservedAt  *time.Time `json:"observed_at"`
	AgeS        *float64   `json:"age_s"`
	Source      Source     `json:"source" enum:"observed,derived,imputed,profile,prior"`
	SpeedKMH    *float64   `json:"speed_kmh"`
	FreeFlowKMH float64    `json:"free_flow_kmh"`
	FlowVPH     *float64   `json:"flow_vph"`
	LOS         string     `json:"los" enum:"A,B,C,D,E,F,-"`
}
